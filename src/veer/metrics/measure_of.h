// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "veer/metrics/estimate.h"
#include "veer/vectors/measure.h"

namespace veer {

// NaN becomes "none" with `reason`; an end that is not finite is left out.
Measure measure_of(const Estimate& estimate, std::string_view reason = {});

}  // namespace veer
