// SPDX-License-Identifier: MIT
#include "veer/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// What is left of the rate after a share t of the steps that follow warm-up.
double decay(const ScheduleOptions& options, double t) {
  if (options.kind == "constant") {
    return 1.0;
  }
  if (options.kind == "linear") {
    return 1.0 - (1.0 - options.final_share) * t;
  }
  if (options.kind == "cosine") {
    return options.final_share + (1.0 - options.final_share) *
                                     (1.0 + std::cos(std::numbers::pi * t)) /
                                     2.0;
  }
  fail("learning-rate schedule", fmt::format("kind '{}'", options.kind),
       "constant, linear or cosine");
}

}  // namespace

double schedule_share(const ScheduleOptions& options, std::int64_t step,
                      std::int64_t total) {
  if (options.warmup_steps < 0 || options.final_share < 0.0 || step < 0 ||
      step >= total) {
    fail("learning-rate schedule",
         fmt::format("warm-up {}, final share {}, step {} of {}",
                     options.warmup_steps, options.final_share, step, total),
         "none negative and the step below the total");
  }
  const auto warmup = static_cast<double>(options.warmup_steps);
  const auto s = static_cast<double>(step);
  if (step < options.warmup_steps) {
    decay(options, 0.0);  // refuses an unknown kind from the first step on
    return (s + 1.0) / warmup;
  }
  const double left = std::max(1.0, static_cast<double>(total) - warmup);
  return decay(options, (s - warmup) / left);
}

}  // namespace veer
