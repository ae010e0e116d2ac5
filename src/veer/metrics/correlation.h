// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "veer/metrics/estimate.h"

namespace veer {

// Pearson's r of two lists of one length, sums in fp64, with Fisher's interval
// tanh(atanh r +- z / sqrt(n - 3)) for independent points of two normal
// numbers. Undefined with fewer than four points, or when one list has no
// spread. Throws Error when the lengths differ.
Estimate pearson(std::span<const double> x, std::span<const double> y,
                 double confidence = 0.95);

}  // namespace veer
