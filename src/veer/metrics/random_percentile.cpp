// SPDX-License-Identifier: MIT
#include "veer/metrics/random_percentile.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

std::optional<double> random_percentile(std::span<const double> values,
                                        double level) {
  if (!(level > 0.0 && level < 1.0)) {
    fail("percentile of random vectors", fmt::format("level {}", level),
         "a level between 0 and 1");
  }
  if (!std::ranges::all_of(values, [](double x) { return std::isfinite(x); })) {
    fail("percentile of random vectors", "an effect that is not finite",
         "finite effects", "a random vector has no answers");
  }
  // 0.95 * 20 is 19, however it rounds.
  const auto rank = static_cast<std::size_t>(
      std::ceil(level * static_cast<double>(values.size() + 1) - 1e-9));
  if (rank > values.size()) {
    return std::nullopt;
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return sorted[rank - 1];
}

}  // namespace veer
