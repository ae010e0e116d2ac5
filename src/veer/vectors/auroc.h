// SPDX-License-Identifier: MIT
//
// How well scores tell two sides apart, and how well that is known.
#pragma once

#include <cstdint>
#include <span>

#include "veer/vectors/item_statistics.h"

namespace veer {

// Probability that a positive score exceeds a negative one, ties half. Throws
// Error when a side is empty.
double auroc(std::span<const double> positive,
             std::span<const double> negative);

// 95 % score interval of an AUROC `value` of that many positive and negative
// scores (method 5 of Newcombe 2006, Statistics in Medicine 25:559): all t with
//
//   |value - t| <= 1.96 sqrt(V(t)),
//   V(t) = t (1 - t) (1 + s (1 - t) / (2 - t) + s t / (1 + t)) / (m n),
//   s = (m + n) / 2 - 1,
//
// the variance of Hanley and McNeil (1982) at t, not at the estimate, where it
// is 0 for sides that do not overlap. Within [0, 1] and never of zero width: 10
// and 10 scores that do not overlap give [0.80, 1]. It takes the scores for
// independent; scores that come in pairs of one question rise and fall
// together, which makes it wider than it has to be.
Bounds auroc_interval(double value, std::int64_t num_positive,
                      std::int64_t num_negative);

}  // namespace veer
