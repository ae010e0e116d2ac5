// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace veer {

// Whether the whole subject matches, as Python's re.fullmatch. Bounded work.
// Throws Error{kBadInput} naming `origin` if the pattern is no regular
// expression or runs past its limit.
bool python_fullmatch(const std::string& pattern, std::string_view subject,
                      std::string_view origin);

}  // namespace veer
