// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace veer {

// A UTF-8 byte order mark at the beginning left out.
inline std::string_view without_mark(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
}

// Calls visit(line, number) for each line that is not blank; numbers begin
// with 1, "\n" and "\r\n" end a line.
template <class Visit>
void for_each_line(std::string_view text, Visit&& visit) {
  text = without_mark(text);
  std::int64_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.find_first_not_of(" \t") != std::string_view::npos) {
      visit(line, number);
    }
  }
}

}  // namespace veer
