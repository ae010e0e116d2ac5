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
// question, sd not with one. Intervals are over `units` (intervals.h).
Steerability steerability(std::span<const double> towards, std::uint64_t seed,
                          std::span<const std::int64_t> units = {});

}  // namespace veer
