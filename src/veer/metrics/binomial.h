// SPDX-License-Identifier: MIT
//
// Exact statements about counts, without a normal approximation.
#pragma once

#include <cstdint>
#include <span>

#include "veer/metrics/estimate.h"

namespace veer {

// P(X >= successes) for X ~ Bin(n, p).
double binomial_upper_tail(std::int64_t successes, std::int64_t n, double p);

// Exact interval of a proportion (Clopper and Pearson 1934): each end is the
// p at which as many successes or more (or less) have probability
// (1 - level) / 2. Covers at least its level. n = 0: undefined.
Estimate clopper_pearson(std::int64_t successes, std::int64_t n,
                         double level = 0.95);

// Exact two-sided McNemar test: only_a questions changed one way, only_b the
// other. Returns p; 1 when both are 0.
double mcnemar(std::int64_t only_a, std::int64_t only_b);

// The same where questions are of units (data/units.h): changes[i] = 1, -1 or
// 0. Exact two-sided p of the sum of changes when the sign of every unit's net
// change is a fair coin; with single questions McNemar's. `units` empty: every
// question is one.
double unit_sign_flip_p(std::span<const std::int64_t> changes,
                        std::span<const std::int64_t> units = {});

}  // namespace veer
