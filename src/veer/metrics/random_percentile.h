// SPDX-License-Identifier: MIT
//
// What an effect has to exceed to be more than a random vector's.
#pragma once

#include <optional>
#include <span>

namespace veer {

// The smallest of the n values that one more of their kind exceeds with
// probability 1 - level at most: the k-th smallest, k = ceil(level (n + 1)),
// as exchangeable draws have it. Of 64 values at .95 the 62nd. Each value may
// carry the noise of its own measurement: that spreads the values and raises
// the bar. Nothing when n is too small to say so (under 19 at .95). Throws
// Error on a value that is not finite or a level outside (0, 1).
std::optional<double> random_percentile(std::span<const double> values,
                                        double level = 0.95);

}  // namespace veer
