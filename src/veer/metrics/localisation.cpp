// SPDX-License-Identifier: MIT
#include "veer/metrics/localisation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "veer/base/random.h"
#include "veer/data/units.h"
#include "veer/vectors/distributions.h"

namespace veer {

double localisation(std::span<const double> effect_by_layer) {
  std::vector<double> positive;
  double total = 0.0;
  for (const double effect : effect_by_layer) {
    if (effect > 0.0) {
      positive.push_back(effect);
      total += effect;
    }
  }
  if (total <= 0.0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::ranges::sort(positive, std::greater<>());
  double sum = 0.0;
  std::size_t count = 0;
  // The margin is for sums that should be exactly four fifths.
  while (sum < 0.8 * total - 1e-12) {
    sum += positive[count++];
  }
  return static_cast<double>(count) /
         static_cast<double>(effect_by_layer.size());
}

Estimate localisation_by_question(std::span<const std::vector<double>> effects,
                                  std::uint64_t seed, std::int64_t draws,
                                  std::span<const std::int64_t> units) {
  Estimate estimate;
  if (effects.empty() || effects.front().empty()) {
    return estimate;
  }
  const std::size_t n = effects.front().size();
  estimate.n = static_cast<std::int64_t>(n);
  const auto members = unit_members(units, n);
  estimate.clusters = units.empty() ? 0 : std::ssize(members);
  estimate.method = members.size() < n ? "bootstrap by unit 95%"
                                       : "bootstrap by question 95%";
  Random random(seed, "localisation");
  std::vector<std::size_t> picked(n);
  std::vector<double> sums(effects.size());
  const auto share = [&] {
    for (std::size_t l = 0; l < effects.size(); ++l) {
      sums[l] = 0.0;
      for (const auto q : picked) {
        sums[l] += effects[l][q];
      }
    }
    return localisation(sums);
  };
  for (std::size_t q = 0; q < n; ++q) {
    picked[q] = q;
  }
  estimate.value = share();
  if (!estimate.defined() || members.size() < 2) {
    return estimate;
  }
  std::vector<double> drawn;
  for (std::int64_t d = 0; d < draws; ++d) {
    picked.clear();
    for (std::size_t u = 0; u < members.size(); ++u) {
      const auto& unit = members[random.below(members.size())];
      picked.insert(picked.end(), unit.begin(), unit.end());
    }
    if (const double one = share(); !std::isnan(one)) {
      drawn.push_back(one);
    }
  }
  estimate.low = std::min(estimate.value, quantile(drawn, 0.025));
  estimate.high = std::max(estimate.value, quantile(drawn, 0.975));
  return estimate;
}

}  // namespace veer
