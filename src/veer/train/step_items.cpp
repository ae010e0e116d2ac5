// SPDX-License-Identifier: MIT
#include "veer/train/step_items.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/core.h>

#include "veer/base/random.h"

namespace veer {
namespace {

std::int64_t steps_per_epoch(const SftOptions& options,
                             std::int64_t num_items) {
  const std::int64_t per_step = options.batch_size * options.accumulation;
  return (num_items + per_step - 1) / per_step;
}

}  // namespace

std::int64_t training_steps(const SftOptions& options, std::int64_t num_items) {
  return options.steps > 0
             ? options.steps
             : static_cast<std::int64_t>(std::ceil(
                   options.epochs *
                   static_cast<double>(steps_per_epoch(options, num_items))));
}

StepItems::StepItems(std::int64_t num_items, const SftOptions& options,
                     std::uint64_t seed)
    : num_items_(num_items),
      per_step_(options.batch_size * options.accumulation),
      steps_per_epoch_(steps_per_epoch(options, num_items)),
      seed_(seed),
      total_(training_steps(options, num_items)) {}

std::vector<std::int64_t> StepItems::items(std::int64_t step) {
  const std::int64_t epoch = step / steps_per_epoch_;
  if (epoch != epoch_) {
    shuffled_.resize(num_items_);
    std::iota(shuffled_.begin(), shuffled_.end(), std::int64_t{0});
    Random(seed_, fmt::format("order {}", epoch)).shuffle(shuffled_);
    epoch_ = epoch;
  }
  const std::int64_t begin = (step % steps_per_epoch_) * per_step_;
  const std::int64_t end = std::min(begin + per_step_, num_items_);
  return {shuffled_.begin() + begin, shuffled_.begin() + end};
}

}  // namespace veer
