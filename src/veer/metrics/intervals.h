// SPDX-License-Identifier: MIT
//
// Intervals and tests for effects that are paired by question.
//
// `units` gives the unit of each question (data/units.h): topic, or cluster of
// questions that are alike. Then the unit is what is resampled, flipped, and
// counted for how sure a share is. Without units, and where every question is
// its own, the numbers are those of single questions to the bit. Formulas:
// docs/methods/metrics.md, "Units".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "veer/metrics/estimate.h"

namespace veer {

// Wilson score interval of a proportion (Wilson 1927). n = 0: undefined.
Estimate wilson(std::int64_t successes, std::int64_t n, double level = 0.95);

// Mean of one share in [0, 1] per question, each over that question's answers
// (num_answers in all): Wilson's interval with an effective n,
//
//   n_eff = questions * p (1 - p) / variance between questions,
//
// kept between the numbers of questions and of answers. One answer per
// question gives Wilson's own interval. Never of zero width, also not when
// all questions agree. NaN entries (missing) are left out. With units n_eff is
// divided by the design effect (unit_shares.h).
Estimate share_by_question(std::span<const double> per_question,
                           std::int64_t num_answers, double level = 0.95,
                           std::span<const std::int64_t> units = {});

// Mean of a_i - b_i of two such shares over the questions where both are
// present: Newcombe's hybrid score interval for paired proportions (1998,
// method 10), which joins the intervals of both shares by their correlation
// over questions. Never of zero width: when all n questions change, the lower
// bound is 1 - sqrt(2) z^2 / (n + z^2). With units the correlation is that of
// their sums. Throws Error if the lengths differ.
Estimate share_difference(std::span<const double> a, std::int64_t num_answers_a,
                          std::span<const double> b, std::int64_t num_answers_b,
                          double level = 0.95,
                          std::span<const std::int64_t> units = {});

// Mean of one value per question with a percentile bootstrap over questions,
// for values without known bounds (scores). Shares: see above, a bootstrap of
// questions that all agree has no width. NaN entries (missing) are left out
// and do not count in n; one question has no interval.
Estimate bootstrap_mean(std::span<const double> per_question,
                        std::uint64_t seed, std::int64_t draws = 10000,
                        double level = 0.95,
                        std::span<const std::int64_t> units = {});

// Mean of a_i - b_i over the questions where both are present.
// Throws Error if the lengths differ.
Estimate paired_difference(std::span<const double> a, std::span<const double> b,
                           std::uint64_t seed, std::int64_t draws = 10000,
                           double level = 0.95,
                           std::span<const std::int64_t> units = {});

// Ratio of means, mean(a) / mean(b), questions resampled in pairs. Undefined
// when |mean(b)| < smallest_denominator.
Estimate paired_ratio(std::span<const double> a, std::span<const double> b,
                      std::uint64_t seed, double smallest_denominator = 0.1,
                      std::int64_t draws = 10000, double level = 0.95,
                      std::span<const std::int64_t> units = {});

// Simultaneous intervals of many cells over the same questions: the 95 %
// quantile over multiplier draws of max_c |T*_c| replaces 1.96 (Westfall and
// Young 1993). effects[c][i] = effect of cell c on question i. With units the
// error is cluster-robust and signs are drawn by unit. Cells without spread get
// their value as the interval.
struct SimultaneousEffects {
  std::vector<Estimate> cells;
  double critical = 0.0;           // the quantile used
  std::vector<double> adjusted_p;  // of "no effect", one per cell
};
SimultaneousEffects max_t(std::span<const std::vector<double>> effects,
                          std::uint64_t seed, std::int64_t draws = 10000,
                          double level = 0.95,
                          std::span<const std::int64_t> units = {});

// A simultaneous interval that is no narrower than the one for a single
// number: without spread over questions max-t has no width.
Estimate at_least_as_wide(Estimate estimate, const Estimate& own);

}  // namespace veer
