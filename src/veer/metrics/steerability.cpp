// SPDX-License-Identifier: MIT
#include "veer/metrics/steerability.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "veer/base/error.h"
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

Steerability steerability(std::span<const double> towards, std::uint64_t seed) {
  std::vector<double> known;
  std::ranges::copy_if(towards, std::back_inserter(known),
                       [](double change) { return !std::isnan(change); });
  Steerability result;
  result.quartiles.fill(std::numeric_limits<double>::quiet_NaN());
  result.anti =
      wilson(std::ranges::count_if(known, [](double x) { return x < 0.0; }),
             std::ssize(known));
  result.mean = bootstrap_mean(known, seed, kDraws);
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

std::vector<double> slopes_by_question(
    std::span<const double> scales,
    std::span<const std::vector<double>> changes) {
  double squares = 0.0;
  for (const double scale : scales) {
    squares += scale * scale;
  }
  if (squares == 0.0 || changes.size() != scales.size()) {
    fail("slope over scales",
         fmt::format("{} scales, {} rungs", scales.size(), changes.size()),
         "as many rungs as scales, and one that is not 0");
  }
  std::vector<double> slopes(changes.front().size());
  for (std::size_t r = 0; r < scales.size(); ++r) {
    if (changes[r].size() != slopes.size()) {
      fail("slope over scales", fmt::format("{} questions", changes[r].size()),
           fmt::format("{} at every scale", slopes.size()));
    }
    for (std::size_t q = 0; q < slopes.size(); ++q) {
      slopes[q] += scales[r] * changes[r][q] / squares;
    }
  }
  return slopes;
}

}  // namespace veer
