// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace veer {

// Documents of ours are small and keep the order in which they were written.
// (A tokenizer.json is neither: its reader streams it, see text/.)
using Json = nlohmann::ordered_json;

// Parses UTF-8 JSON. `origin` (a file name, "line 3 of x.jsonl") appears in
// the message. Throws Error{kBadInput} with the byte position.
Json parse_json(std::string_view text, std::string_view origin);

// Compact text, valid UTF-8 whatever the strings hold (bad bytes become
// U+FFFD). `indent` < 0 = one line.
std::string dump_json(const Json& value, int indent = -1);

// TOML 1.0 as the equal JSON value (dates become strings). Errors carry line
// and column.
Json parse_toml(std::string_view text, std::string_view origin);

}  // namespace veer
