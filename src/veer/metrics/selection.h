// SPDX-License-Identifier: MIT
//
// Choosing on one split, reporting on another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "veer/metrics/estimate.h"

namespace veer {

// What a configuration did on the select split.
struct SelectionCandidate {
  double effect = 0.0;    // larger = better
  double coherent = 0.0;  // share
  bool valid = true;      // false: random vectors act there, or layer too late
};

// The candidate with the largest effect among the valid ones that are
// coherent enough; the first of equals. None when there is none.
std::optional<std::size_t> choose(
    std::span<const SelectionCandidate> candidates, double min_coherent = 0.75);

// How the chosen cell compares with controls of the same norm at the same
// place: their 95th percentile, and p = (1 + #{control >= effect}) / (n + 1).
struct ControlComparison {
  double percentile_95 = 0.0;  // NaN without controls
  double p = 1.0;
  bool beats = false;  // effect above the percentile
};
ControlComparison against_controls(double effect,
                                   std::span<const double> controls);

}  // namespace veer
