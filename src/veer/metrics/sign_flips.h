// SPDX-License-Identifier: MIT
//
// Paired differences without a normal approximation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace veer {

// Two-sided p of "no difference" for each of several paired differences over
// the same questions, under flips of the sign of a question, the same in all
// (max-t: Westfall and Young 1993), so that they hold together.
// differences[i][q]; NaN = not measured, counts for none. At least as large as
// the exact p of each alone: McNemar's where the differences are -1, 0 and 1.
// `units`: the unit of each question (topic, cluster); the signs of one unit
// flip together. Empty: each question alone. Throws Error if the lengths
// differ.
std::vector<double> sign_flip_p(
    std::span<const std::vector<double>> differences, std::uint64_t seed,
    std::int64_t draws = 9999, std::span<const std::int64_t> units = {});

}  // namespace veer
