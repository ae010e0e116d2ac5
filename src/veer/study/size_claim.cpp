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
    mean_x += std::log10(model.size) / n;
    mean_y += model.effect / n;
  }
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (const auto& model : models) {
    const double x = std::log10(model.size) - mean_x;
    const double y = model.effect - mean_y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  Measure measure;
  measure.n = std::ssize(models);
  const double slope = xy / xx;
  measure.value = slope;
  if (yy == 0.0) {
    return measure;  // without spread there is no error to tell
  }
  const double residual = std::max(0.0, yy - slope * xy) / (n - 2.0);
  const double half =
      t_point((1.0 - confidence) / 2.0, n - 2.0) * std::sqrt(residual / xx);
  measure.low = slope - half;
  measure.high = slope + half;
  return measure;
}

struct SlopeClaim {
  const char* id;
  const char* claim;
  const char* statistic;
  const char* sharpen;
  const char* runs;   // "models"
  const char* sizes;  // "sizes of model"
};

HypothesisResult decide(const SlopeClaim& row,
                        std::span<const SizedEffect> runs, double confidence) {
  HypothesisResult result;
  result.id = row.id;
  result.claim = row.claim;
  result.statistic = row.statistic;
  result.unit = "share";
  result.sharpen = row.sharpen;
  std::set<double> sizes;
  for (const auto& run : runs) {
    sizes.insert(run.size);
  }
  if (sizes.size() < kLeastSizes) {
    result.effect = Measure::none("not measured", std::ssize(runs));
    result.reason = fmt::format("{} {}, needs {} or more", sizes.size(),
                                row.sizes, kLeastSizes);
    return result;
  }
  result.effect = slope_of(runs, confidence);
  result.reason = fmt::format("{} {}, {} {}", runs.size(), row.runs,
                              sizes.size(), row.sizes);
  if (!result.effect.low) {
    result.reason +=
        fmt::format(", all at {:+.0f} points", 100.0 * runs.front().effect);
  }
  if (result.effect.low.value_or(0.0) > 0.0) {
    result.decision = Decision::kSupported;
  } else if (result.effect.high.value_or(0.0) < 0.0) {
    result.decision = Decision::kContradicted;
  }
  return result;
}

}  // namespace

HypothesisResult size_claim(std::span<const SizedEffect> models,
                            double confidence) {
  return decide({"H11", "Larger models steer better",
                 "slope of the best induction per factor of ten in size",
                 "model", "models", "sizes of model"},
                models, confidence);
}

HypothesisResult training_size_claim(std::span<const SizedEffect> runs,
                                     double confidence) {
  return decide({"H13", "More training data make a better vector",
                 "slope of the tuned vector's best induction per factor of "
                 "ten in training questions",
                 "finetune.questions", "fine-tunes of one model",
                 "sizes of training set"},
                runs, confidence);
}

}  // namespace veer
