// SPDX-License-Identifier: MIT
//
// How single questions answer to a steering. A mean effect hides questions
// that go the other way; labels hide them too where the unsteered model has
// nothing left to lose. Log-odds show both (Tan et al. 2024, "Analyzing the
// generalization and reliability of steering vectors").
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "veer/metrics/estimate.h"

namespace veer {

struct Steerability {
  Estimate anti;  // share of questions moved against the goal
  Estimate mean;  // of the changes
  double sd = std::numeric_limits<double>::quiet_NaN();
  std::array<double, 3> quartiles;  // linear between order statistics
};

// `towards`: one change per question, positive = towards the goal; NaN ones are
// left out. A change of exactly 0 goes no way. Nothing is defined without a
// question, sd not with one.
Steerability steerability(std::span<const double> towards, std::uint64_t seed);

// Change per unit of scale of each question, by least squares through the
// unsteered value: sum(s_r c_rq) / sum(s_r^2), where `changes[r][q]` is the
// change of question q at scale r against the unsteered model. Throws Error on
// no rung, on rungs of other lengths and when every scale is 0.
std::vector<double> slopes_by_question(
    std::span<const double> scales,
    std::span<const std::vector<double>> changes);

}  // namespace veer
