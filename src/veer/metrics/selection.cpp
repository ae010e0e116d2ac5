// SPDX-License-Identifier: MIT
#include "veer/metrics/selection.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace veer {

std::optional<std::size_t> choose(
    std::span<const SelectionCandidate> candidates, double min_coherent) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto& candidate = candidates[i];
    if (candidate.valid && candidate.coherent >= min_coherent &&
        !std::isnan(candidate.effect) &&
        (!best || candidate.effect > candidates[*best].effect)) {
      best = i;
    }
  }
  return best;
}

ControlComparison against_controls(double effect,
                                   std::span<const double> controls) {
  ControlComparison result;
  result.percentile_95 = std::numeric_limits<double>::quiet_NaN();
  if (controls.empty()) {
    return result;
  }
  std::vector<double> sorted(controls.begin(), controls.end());
  std::ranges::sort(sorted);
  const auto count = static_cast<double>(sorted.size());
  const auto rank = static_cast<std::size_t>(std::ceil(0.95 * count)) - 1;
  result.percentile_95 = sorted[rank];
  const auto above = sorted.end() - std::ranges::lower_bound(sorted, effect);
  result.p = (1.0 + static_cast<double>(above)) / (count + 1.0);
  result.beats = effect > result.percentile_95;
  return result;
}

}  // namespace veer
