// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace veer {

// Of the project, "0.1.0"; stated once, in CMakeLists.txt.
std::string_view version();

}  // namespace veer
