// SPDX-License-Identifier: MIT
//
// What random vectors do in the place of a vector, and what an effect is beyond
// that.
#pragma once

#include <cstdint>
#include <span>

#include "veer/metrics/estimate.h"

namespace veer {

// Mean effect of random vectors with the vector as the unit, n their number:
//
//   m +- sqrt( (t_{n-1} sd / sqrt(n))^2 + (half width over questions)^2 )
//
// t over the effects of the single vectors, and beside it the doubt about
// questions, `over_questions`: the interval of the mean over vectors by
// question, whose lower and upper half are taken each for its side. The noise
// of a single answer is in both, so the interval is a little too wide. One
// vector has the doubt about questions alone. Undefined without a vector;
// throws Error on an effect that is not finite.
Estimate mean_over_vectors(std::span<const double> effects,
                           const Estimate& over_questions, double level = 0.95);

// An effect beyond random vectors: `effect` minus their mean, or the effect as
// it is where their mean lies below 0: that random vectors move against the
// goal is no merit of a vector. Effects are turned so that more is better.
// `over_questions` is the same difference paired by question, whose lower and
// upper half hold the doubt about questions once for both; the vectors' own t
// half width is squared and added (MOVER, Zou and Donner 2008). Kept within
// +-`most`: no share changes by more than 1. n and clusters are those of
// `over_questions`. Undefined where a number is missing.
Estimate beyond_vectors(const Estimate& effect, std::span<const double> effects,
                        const Estimate& over_questions, double most,
                        double level = 0.95);

}  // namespace veer
