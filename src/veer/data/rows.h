// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "veer/base/json.h"

namespace veer {

// A row, not parsed yet: read() throws Error{kBadInput} where it cannot be,
// so that the caller may leave out this row alone. `place` is "x.json, line 3"
// or "x.json, element 3".
using RowVisitor = std::function<void(const std::function<Json()>& read,
                                      const std::string& place)>;

// Parses the JSON of one row. Throws Error{kBadInput} naming `place`
// for text that is no JSON, and for lists within lists more than 64 deep, which
// no row needs and which would exhaust the stack.
Json parse_row(std::string_view text, const std::string& place);

// Calls visit() for each row of JSON Lines, or each element of one JSON array.
// One object, or one array of messages, is one row. Throws Error{kBadInput}
// for text that is no JSON, and for one object that holds all rows by columns
// or under a key.
void for_each_row(std::string_view text, std::string_view origin,
                  const RowVisitor& visit);

}  // namespace veer
