// SPDX-License-Identifier: MIT
#include "veer/metrics/steerability.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "veer/metrics/intervals.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr std::int64_t kDraws = 2000;

double standard_deviation(std::span<const double> values, double mean) {
  double sum = 0.0;
  for (const double value : values) {
    sum += (value - mean) * (value - mean);
  }
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

}  // namespace

Steerability steerability(std::span<const double> towards, std::uint64_t seed,
                          std::span<const std::int64_t> units) {
  std::vector<double> known;
  std::vector<double> against;
  for (const double change : towards) {
    if (!std::isnan(change)) {
      known.push_back(change);
    }
    against.push_back(std::isnan(change) ? change : change < 0.0 ? 1.0 : 0.0);
  }
  Steerability result;
  result.quartiles.fill(std::numeric_limits<double>::quiet_NaN());
  result.anti = share_by_question(against, std::ssize(known), 0.95, units);
  result.mean = bootstrap_mean(towards, seed, kDraws, 0.95, units);
  if (!known.empty()) {
    for (std::size_t i = 0; i < result.quartiles.size(); ++i) {
      result.quartiles[i] = quantile(known, 0.25 * static_cast<double>(i + 1));
    }
  }
  if (known.size() > 1) {
    result.sd = standard_deviation(known, result.mean.value);
  }
  return result;
}

}  // namespace veer
