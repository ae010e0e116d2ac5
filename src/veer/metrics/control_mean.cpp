// SPDX-License-Identifier: MIT
#include "veer/metrics/control_mean.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

double mean_of(std::span<const double> values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// Half width of Student's interval of the mean; 0 for one value.
double half_width(std::span<const double> values, double mean, double level) {
  if (values.size() < 2) {
    return 0.0;
  }
  double square = 0.0;
  for (const double value : values) {
    square += (value - mean) * (value - mean);
  }
  const auto n = static_cast<double>(values.size());
  return t_point((1.0 - level) / 2.0, n - 1.0) *
         std::sqrt(square / (n - 1.0) / n);
}

}  // namespace

Estimate mean_over_vectors(std::span<const double> effects,
                           const Estimate& over_questions, double level) {
  if (!std::ranges::all_of(effects,
                           [](double x) { return std::isfinite(x); })) {
    fail("mean of random vectors", "an effect that is not finite",
         "finite effects", "a random vector has no answers");
  }
  Estimate estimate;
  if (effects.empty() || !over_questions.defined()) {
    return estimate;
  }
  estimate.value = mean_of(effects);
  const double own = half_width(effects, estimate.value, level);
  estimate.low = estimate.value -
                 std::hypot(own, over_questions.value - over_questions.low);
  estimate.high = estimate.value +
                  std::hypot(own, over_questions.high - over_questions.value);
  estimate.n = std::ssize(effects);
  estimate.method =
      fmt::format("t over vectors and by question {:g}%", 100.0 * level);
  return estimate;
}

Estimate beyond_vectors(const Estimate& effect, std::span<const double> effects,
                        const Estimate& over_questions, double most,
                        double level) {
  if (effects.empty() || !std::isfinite(effect.value) ||
      !std::isfinite(over_questions.low) ||
      !std::isfinite(over_questions.high)) {
    return {};
  }
  const double mean = mean_of(effects);
  if (mean < 0.0) {
    return effect;
  }
  auto estimate = over_questions;
  const double own = half_width(effects, mean, level);
  estimate.value = effect.value - mean;
  estimate.low = std::max(
      -most, estimate.value -
                 std::hypot(own, over_questions.value - over_questions.low));
  estimate.high = std::min(
      most, estimate.value +
                std::hypot(own, over_questions.high - over_questions.value));
  estimate.method =
      fmt::format("paired by question, t over vectors {:g}%", 100.0 * level);
  return estimate;
}

}  // namespace veer
