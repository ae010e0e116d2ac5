// SPDX-License-Identifier: MIT
#include "veer/tensors/float_range.h"

#include <fmt/core.h>

namespace veer {

std::string overflow_cause(at::ScalarType dtype, std::string_view cause) {
  return dtype == at::kHalf
             ? fmt::format(
                   "the residual stream passed 65504, where float16 "
                   "ends (--dtype bfloat16 or float32 has room), or {}",
                   cause)
             : std::string(cause);
}

}  // namespace veer
