// SPDX-License-Identifier: MIT
#include "veer/study/size_claim.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/core.h>

#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr std::size_t kLeastSizes = 3;

Measure slope_of(std::span<const SizedEffect> models, double confidence) {
  const auto n = static_cast<double>(models.size());
  double mean_x = 0.0;
  double mean_y = 0.0;
  for (const auto& model : models) {
    mean_x += std::log10(model.parameters) / n;
    mean_y += model.effect / n;
  }
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (const auto& model : models) {
    const double x = std::log10(model.parameters) - mean_x;
    const double y = model.effect - mean_y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  const double slope = xy / xx;
  const double residual = std::max(0.0, yy - slope * xy) / (n - 2.0);
  const double half =
      t_point((1.0 - confidence) / 2.0, n - 2.0) * std::sqrt(residual / xx);
  Measure measure;
  measure.value = slope;
  measure.low = slope - half;
  measure.high = slope + half;
  measure.n = std::ssize(models);
  return measure;
}

}  // namespace

HypothesisResult size_claim(std::span<const SizedEffect> models,
                            double confidence) {
  HypothesisResult result;
  result.id = "H11";
  result.claim = "Larger models steer better";
  result.statistic = "slope of the best induction per factor of ten in size";
  result.unit = "share";
  result.sharpen = "model";
  std::set<double> sizes;
  for (const auto& model : models) {
    sizes.insert(model.parameters);
  }
  if (sizes.size() < kLeastSizes) {
    result.effect = Measure::none("not measured", std::ssize(models));
    result.reason = fmt::format("{} sizes of model, needs {} or more",
                                sizes.size(), kLeastSizes);
    return result;
  }
  result.effect = slope_of(models, confidence);
  result.reason =
      fmt::format("{} models of {} sizes", models.size(), sizes.size());
  if (result.effect.low.value_or(0.0) > 0.0) {
    result.decision = Decision::kSupported;
  } else if (result.effect.high.value_or(0.0) < 0.0) {
    result.decision = Decision::kContradicted;
  }
  return result;
}

}  // namespace veer
