// SPDX-License-Identifier: MIT
#include "veer/metrics/binomial.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <boost/math/special_functions/beta.hpp>
#include <fmt/format.h>

#include "veer/data/units.h"

namespace veer {
namespace {

// In double throughout: Boost's default calculates in long double, which
// differs between processors.
using Policy =
    boost::math::policies::policy<boost::math::policies::promote_double<false>>;

// Parameters of the beta distribution whose distribution function at p is the
// binomial's upper tail from `successes` on.
std::pair<double, double> beta_of(std::int64_t successes, std::int64_t n) {
  return {static_cast<double>(successes),
          static_cast<double>(n - successes + 1)};
}

// The p at which `successes` or more have probability `tail`.
double p_of_tail(std::int64_t successes, std::int64_t n, double tail) {
  const auto [a, b] = beta_of(successes, n);
  return boost::math::ibeta_inv(a, b, tail, Policy());
}

}  // namespace

double binomial_upper_tail(std::int64_t successes, std::int64_t n, double p) {
  if (successes <= 0 || successes > n) {
    return successes <= 0 ? 1.0 : 0.0;
  }
  const auto [a, b] = beta_of(successes, n);
  return boost::math::ibeta(a, b, p, Policy());
}

Estimate clopper_pearson(std::int64_t successes, std::int64_t n, double level) {
  Estimate estimate;
  estimate.n = n;
  estimate.method = fmt::format("Clopper-Pearson {:g}%", 100.0 * level);
  if (n == 0) {
    return estimate;
  }
  const double tail = 0.5 * (1.0 - level);
  estimate.value = static_cast<double>(successes) / static_cast<double>(n);
  estimate.low = successes == 0 ? 0.0 : p_of_tail(successes, n, tail);
  estimate.high =
      successes == n ? 1.0 : p_of_tail(successes + 1, n, 1.0 - tail);
  return estimate;
}

double mcnemar(std::int64_t only_a, std::int64_t only_b) {
  const auto n = only_a + only_b;
  return n == 0 ? 1.0
                : std::min(1.0, 2.0 * binomial_upper_tail(
                                          std::max(only_a, only_b), n, 0.5));
}

double unit_sign_flip_p(std::span<const std::int64_t> changes,
                        std::span<const std::int64_t> units) {
  std::int64_t only_a = 0;
  std::int64_t only_b = 0;
  std::int64_t observed = 0;
  std::int64_t farthest = 0;
  std::vector<std::int64_t> nets;  // sizes of the units' net changes
  for (const auto& unit : unit_members(units, changes.size())) {
    std::int64_t net = 0;
    for (const auto i : unit) {
      net += changes[i];
    }
    only_a += net > 0 ? 1 : 0;
    only_b += net < 0 ? 1 : 0;
    observed += net;
    farthest += std::abs(net);
    if (net != 0) {
      nets.push_back(std::abs(net));
    }
  }
  if (farthest == static_cast<std::int64_t>(nets.size())) {
    return mcnemar(only_a, only_b);
  }
  // Probability of every sum, unit after unit; index = sum + farthest.
  std::vector<double> chance(static_cast<std::size_t>(2 * farthest + 1));
  chance[static_cast<std::size_t>(farthest)] = 1.0;
  for (const auto net : nets) {
    std::vector<double> next(chance.size());
    for (std::size_t s = 0; s < chance.size(); ++s) {
      if (chance[s] > 0.0) {
        next[s + static_cast<std::size_t>(net)] += 0.5 * chance[s];
        next[s - static_cast<std::size_t>(net)] += 0.5 * chance[s];
      }
    }
    chance = std::move(next);
  }
  double tail = 0.0;
  for (auto sum = std::abs(observed); sum <= farthest; ++sum) {
    tail += chance[static_cast<std::size_t>(sum + farthest)];
  }
  return std::min(1.0, 2.0 * tail);
}

}  // namespace veer
