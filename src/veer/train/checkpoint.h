// SPDX-License-Identifier: MIT
//
// The state of a training run in one file, so that one rename makes it whole:
// factors, optimizer, step and the metrics so far. Random numbers need no
// state: each is a function of the seed and the step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "veer/train/sft.h"

namespace veer {

// The factors of the evaluation with the lowest held-out loss so far.
struct BestAdapter {
  std::int64_t step = 0;  // 0 = none yet
  double loss = 0.0;      // held-out, at that step
  Adapter adapter;        // copies
};

struct TrainState {
  std::int64_t step = 0;  // updates done
  std::vector<MetricsRow> rows;
  BestAdapter best = {};
};

// A copy with factors of its own, without gradients.
Adapter copy_of(const Adapter& adapter);

// `run` names options, data, seed and model: what must be equal to go on.
void write_checkpoint(const std::filesystem::path& folder,
                      const Adapter& adapter, const AdamW& optimizer,
                      const TrainState& state, const std::string& run);

// Restores factors and optimizer in place. Returns the state, or step 0 if
// there is no checkpoint. Throws Error{kBadInput} if it is of another run.
TrainState read_checkpoint(const std::filesystem::path& folder,
                           const Adapter& adapter, AdamW& optimizer,
                           const std::string& run);

}  // namespace veer
