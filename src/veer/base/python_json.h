// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "veer/base/json.h"

namespace veer {

// parse_json() for files that Python's json module writes: NaN, Infinity and
// -Infinity outside of strings, which JSON does not know, become the strings
// of that spelling. Whoever reads such a key as a number refuses it.
Json parse_python_json(std::string_view text, std::string_view origin);

}  // namespace veer
