// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

struct CsvRow {
  std::vector<std::string> fields;
  std::int64_t line = 0;  // where the row begins, 1-based
};

// RFC 4180: fields with separators, quotes or line ends stand in double
// quotes, a quote within is doubled; rows end with "\n" or "\r\n". Blank lines
// are left out, a byte order mark too. Throws Error{kBadInput} naming `origin`
// and the line for a quote that does not end and for text behind a closing
// quote.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view origin,
                              char separator = ',');

}  // namespace veer
