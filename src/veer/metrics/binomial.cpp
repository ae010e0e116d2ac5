// SPDX-License-Identifier: MIT
#include "veer/metrics/binomial.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "veer/data/units.h"

namespace veer {
namespace {

// Halvings of [0, 1]: past the precision of a double near 1.
constexpr int kHalvings = 60;

double log_choose(std::int64_t n, std::int64_t k) {
  const auto gamma = [](std::int64_t x) {
    return std::lgamma(static_cast<double>(x) + 1.0);
  };
  return gamma(n) - gamma(k) - gamma(n - k);
}

// The p at which `successes` or more have probability `tail`, which rises
// with p.
double p_of_tail(std::int64_t successes, std::int64_t n, double tail) {
  double low = 0.0;
  double high = 1.0;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (low + high);
    (binomial_upper_tail(successes, n, middle) < tail ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double binomial_upper_tail(std::int64_t successes, std::int64_t n, double p) {
  double tail = 0.0;
  for (std::int64_t k = std::max<std::int64_t>(0, successes); k <= n; ++k) {
    const double misses = static_cast<double>(n - k);
    const double log_term =
        log_choose(n, k) +
        (k > 0 ? static_cast<double>(k) * std::log(p) : 0.0) +
        (k < n ? misses * std::log1p(-p) : 0.0);
    tail += std::exp(log_term);
  }
  return std::min(1.0, tail);
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
