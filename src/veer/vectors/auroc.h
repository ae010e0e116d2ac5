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

// The same where question i has the scores positive[i] and negative[i] and is
// of the unit units[i] (data/units.h): both numbers are divided by how much
// larger the variance over units is than that over questions (placement values
// summed by unit, Obuchowski 1997, Biometrics 53:567), at least 1, or the mean
// unit size where the sides do not overlap; and by (t / z)^2 for the units less
// one. Where every question is a unit it is the interval above.
Bounds auroc_interval(std::span<const double> positive,
                      std::span<const double> negative,
                      std::span<const std::int64_t> units);

}  // namespace veer
