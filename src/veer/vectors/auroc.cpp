// SPDX-License-Identifier: MIT
#include "veer/vectors/auroc.h"

#include <algorithm>
#include <vector>

#include "veer/base/error.h"
#include "veer/data/units.h"
#include "veer/vectors/distributions.h"

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

namespace {

// Of m positive and n negative scores, which may be a part of one.
Bounds interval_of(double value, double m, double n) {
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

// Share of `others` that `score` exceeds, ties half.
double placement(double score, const std::vector<double>& sorted) {
  const auto [low, high] =
      std::equal_range(sorted.begin(), sorted.end(), score);
  return (static_cast<double>(low - sorted.begin()) +
          0.5 * static_cast<double>(high - low)) /
         static_cast<double>(sorted.size());
}

std::vector<double> sorted_of(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// Variance of the AUROC over units: M / (M - 1) times the squares of the units'
// sums of the questions' deviations.
double variance_over(const std::vector<double>& deviations,
                     const std::vector<std::vector<std::size_t>>& members) {
  double squares = 0.0;
  for (const auto& unit : members) {
    double sum = 0.0;
    for (const auto i : unit) {
      sum += deviations[i];
    }
    squares += sum * sum;
  }
  const auto size = static_cast<double>(members.size());
  return size / std::max(1.0, size - 1.0) * squares;
}

}  // namespace

Bounds auroc_interval(double value, std::int64_t num_positive,
                      std::int64_t num_negative) {
  return interval_of(value, static_cast<double>(num_positive),
                     static_cast<double>(num_negative));
}

Bounds auroc_interval(std::span<const double> positive,
                      std::span<const double> negative,
                      std::span<const std::int64_t> units) {
  if (negative.size() != positive.size()) {
    fail("AUROC by unit", "sides of different numbers of questions");
  }
  const auto n = positive.size();
  const double value = auroc(positive, negative);
  const auto members = unit_members(units, n);
  if (members.size() == n) {
    return interval_of(value, static_cast<double>(n), static_cast<double>(n));
  }
  const auto below = sorted_of(negative);
  const auto above = sorted_of(positive);
  std::vector<double> deviations;
  for (std::size_t i = 0; i < n; ++i) {
    // What question i adds on either side.
    deviations.push_back(placement(positive[i], below) - value +
                         (1.0 - placement(negative[i], above)) - value);
  }
  const double alone = variance_over(deviations, unit_members({}, n));
  const double by_unit = variance_over(deviations, members);
  const double wider =
      t_point(0.025, std::max(1.0, static_cast<double>(members.size()) - 1.0)) /
      kNormal95;
  const double effect =
      alone > 0.0 ? std::max(1.0, by_unit / alone) : mean_unit_size(members);
  const double counted = static_cast<double>(n) / (effect * wider * wider);
  return interval_of(value, counted, counted);
}

}  // namespace veer
