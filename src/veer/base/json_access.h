// SPDX-License-Identifier: MIT
//
// Reading documents whose parts may be absent: what is not there is null, or
// an empty text, and never an exception.
#pragma once

#include <optional>
#include <string>

#include "veer/base/json.h"

namespace veer {

// object[key], or null when the object has no such key (or is no object). The
// reference lives as long as `object`.
const Json& member(const Json& object, const char* key);

// object[key] when that is a number.
std::optional<double> number_member(const Json& object, const char* key);
// The same, NaN otherwise.
double number_or_nan(const Json& object, const char* key);

// object[key] when that is a string, otherwise empty.
std::string string_member(const Json& object, const char* key);

}  // namespace veer
