// SPDX-License-Identifier: MIT
#include "veer/vectors/auroc.h"

#include <algorithm>
#include <vector>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr double kNormal95 = 1.959963984540054;

double variance_at(double t, double m, double n) {
  const double s = (m + n) / 2.0 - 1.0;
  return t * (1.0 - t) * (1.0 + s * (1.0 - t) / (2.0 - t) + s * t / (1.0 + t)) /
         (m * n);
}

}  // namespace

double auroc(std::span<const double> positive,
             std::span<const double> negative) {
  if (positive.empty() || negative.empty()) {
    fail("AUROC", "one side is empty");
  }
  std::vector<double> sorted(negative.begin(), negative.end());
  std::sort(sorted.begin(), sorted.end());
  double wins = 0.0;
  for (const double score : positive) {
    const auto [low, high] =
        std::equal_range(sorted.begin(), sorted.end(), score);
    wins += static_cast<double>(low - sorted.begin()) +
            0.5 * static_cast<double>(high - low);
  }
  return wins / static_cast<double>(positive.size() * negative.size());
}

Bounds auroc_interval(double value, std::int64_t num_positive,
                      std::int64_t num_negative) {
  const auto m = static_cast<double>(num_positive);
  const auto n = static_cast<double>(num_negative);
  const auto is_rejected = [&](double t) {
    return (value - t) * (value - t) >
           kNormal95 * kNormal95 * variance_at(t, m, n);
  };
  // From an end of [0, 1] towards the value, which is never rejected.
  const auto bound = [&](double outside) {
    double inside = value;
    for (int i = 0; i < 60; ++i) {
      const double middle = 0.5 * (outside + inside);
      (is_rejected(middle) ? outside : inside) = middle;
    }
    return inside;
  };
  return {value > 0.0 ? bound(0.0) : 0.0, value < 1.0 ? bound(1.0) : 1.0};
}

}  // namespace veer
