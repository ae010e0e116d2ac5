// SPDX-License-Identifier: MIT
#pragma once

#include <span>

namespace veer {

// Mean of the values that are there (not NaN: a question without an answer);
// NaN where none is.
double present_mean(std::span<const double> values);

}  // namespace veer
