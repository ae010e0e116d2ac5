// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "veer/base/json.h"

namespace veer {

// Keys "twin" and "control_tunings" of comparison.json: what fine-tuning on
// honest answers writes, what is left of the fine-tuned direction, and the
// other controls at `layer`. Empty where the run holds none of it.
std::string twin_block(const Json& comparison, std::int64_t layer);

}  // namespace veer
