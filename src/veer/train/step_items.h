// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "veer/train/sft.h"

namespace veer {

// Which items each step of a training takes: a fresh shuffle per epoch that is
// a function of seed and epoch; the last step of an epoch takes what is left.
class StepItems {
 public:
  StepItems(std::int64_t num_items, const SftOptions& options,
            std::uint64_t seed);

  std::int64_t total_steps() const { return total_; }
  std::vector<std::int64_t> items(std::int64_t step);

 private:
  std::int64_t num_items_;
  std::int64_t per_step_;
  std::int64_t steps_per_epoch_;
  std::uint64_t seed_;
  std::int64_t total_;
  std::int64_t epoch_ = -1;
  std::vector<std::int64_t> shuffled_;
};

}  // namespace veer
