// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <c10/core/ScalarType.h>

namespace veer {

// The likely cause of numbers that are not finite in a model of this dtype:
// float16's small range, otherwise `cause`.
std::string overflow_cause(at::ScalarType dtype, std::string_view cause);

}  // namespace veer
