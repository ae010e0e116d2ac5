// SPDX-License-Identifier: MIT
#include "veer/claims/size_claim.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

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
  const char* runs;   // "models"
  const char* sizes;  // "sizes of model"
};

// What the second weakest run left to reach: where all but one reach the
// ceiling, a slope is that one's distance from it and nothing else.
double room_of(std::span<const SizedEffect> runs) {
  std::vector<double> effects;
  for (const auto& run : runs) {
    effects.push_back(run.effect);
  }
  std::ranges::sort(effects);
  return 1.0 - effects[1];
}

HypothesisResult decide(const SlopeClaim& claim,
                        std::span<const SizedEffect> runs, double confidence) {
  auto result = claim_row(claim.id);
  std::set<double> sizes;
  for (const auto& run : runs) {
    sizes.insert(run.size);
  }
  if (sizes.size() < kLeastSizes) {
    result.effect = Measure::none("not measured", std::ssize(runs));
    result.reason = fmt::format("{} {}, needs {} or more", sizes.size(),
                                claim.sizes, kLeastSizes);
    return result;
  }
  result.effect = slope_of(runs, confidence);
  result.reason = fmt::format("{} {}, {} {}", runs.size(), claim.runs,
                              sizes.size(), claim.sizes);
  if (!result.effect.low) {
    result.reason +=
        fmt::format(", all at {:+.0f} points", 100.0 * runs.front().effect);
  }
  result.room = room_of(runs);
  if (*result.room < result.margin()) {
    leave_undecided_without_room(result);
    return result;
  }
  decide_by_interval(result, 0.0, 0.0);
  return result;
}

}  // namespace

HypothesisResult size_claim(std::span<const SizedEffect> models,
                            double confidence) {
  return decide({"H11", "models", "sizes of model"}, models, confidence);
}

HypothesisResult training_size_claim(std::span<const SizedEffect> runs,
                                     double confidence) {
  return decide({"H13", "fine-tunes of one model", "sizes of training set"},
                runs, confidence);
}

}  // namespace veer
