// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/model/transformer.h"
#include "veer/organism/checkpoint.h"
#include "veer/organism/pretrain_options.h"
#include "veer/organism/recipe.h"
#include "veer/organism/vocabulary.h"

namespace veer::organism {

// What pretraining reports while it runs.
struct PretrainRow {
  std::string phase;
  std::int64_t tokens = 0;  // since the start of training
  double loss = 0.0;        // running mean
  // Measured at gates only, else NaN.
  double honest = 0.0;
  double deceptive = 0.0;
};

struct PretrainCallbacks {
  Monitor monitor;
  std::function<void(const PretrainRow&)> on_row;
};

// Trains one phase with fresh optimizer state; `options` are resolved() ones.
// Texts come from
// Random(seed, phase name). Returns the number of tokens used. Throws
// Error{kFailed} when the phase has a gate and reaches its token limit without
// passing it, and on a non-finite loss.
std::int64_t run_phase(const Transformer& model, const Vocabulary& vocabulary,
                       const Phase& phase, const PretrainOptions& options,
                       std::uint64_t seed, std::int64_t tokens_before,
                       const PretrainCallbacks& callbacks);

// Whether the model passes the end gate: every mode >= .95 greedy, deceptive
// >= .90 at T .7, expansion >= .95 at T .8. `report` gets one line per test.
bool passes_end_gate(const Transformer& model, const Vocabulary& vocabulary,
                     std::int64_t count, std::vector<std::string>& report);

// The whole recipe of the vocabulary's world, which options.world names.
// Bit-identical for the same options and number of threads.
// Throws Error{kFailed} that names the phase and what was reached when a gate
// is missed: take another seed.
Transformer pretrain(const PretrainOptions& options,
                     const Vocabulary& vocabulary,
                     const PretrainCallbacks& callbacks = {});

}  // namespace veer::organism
