// SPDX-License-Identifier: MIT
//
// How much less a share of questions says because questions of one unit (topic,
// cluster) answer alike.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace veer {

struct ShareSpread {
  double mean = 0.0;
  double variance = 0.0;              // between questions
  double answers_per_question = 1.0;  // that count: effective n over n
};

// Design effect of a share: 1 + (m - 1) icc with m the mean unit size weighted
// by questions (Kish 1965), times (t / z)^2 for the M - 1 degrees of freedom of
// M units (Korn and Graubard 1998). icc is the mean product of deviations of
// two questions of a unit over their variance, with two units of the mean size
// added that agree in themselves, one of each kind (as Agresti and Coull 1998
// add answers): where nearly all questions agree, nothing is known of icc, and
// it is taken as 1 rather than 0. Within [0, 1], so the effect is never below
// 1. `members`: positions in `values`.
double share_design_effect(std::span<const double> values,
                           const std::vector<std::vector<std::size_t>>& members,
                           const ShareSpread& spread, double level);

}  // namespace veer
