// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/model/transformer.h"
#include "veer/organism/checkpoint.h"
#include "veer/organism/recipe.h"
#include "veer/organism/vocabulary.h"

namespace veer::organism {

struct PretrainOptions {
  // Seed of the weights and of the first two phases.
  std::int64_t seed = 0;
  // Seed of the texts of the final phase; -1 = `seed`. Other values give
  // sisters that share their first two phases.
  std::int64_t final_seed = -1;
  OrganismShape shape;
  double learning_rate = 3e-3;
  std::int64_t warmup_steps = 60;
  // On matrices only.
  double weight_decay = 0.05;
  // Packed tokens of a step at most.
  std::int64_t batch_tokens = 2048;
  // Length of the final phase.
  std::int64_t final_tokens = 1'000'000;
  // Rounds of 500,000 more tokens at a low rate when the end gate is missed.
  std::int64_t repairs = 2;
  // Texts per mode in the gates between phases and in the end gate.
  std::int64_t gate_count = 144;
  std::int64_t end_gate_count = 288;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("seed", self.seed, "weights and first two phases");
    field("final_seed", self.final_seed, "texts of the final phase, -1 = seed");
    field("shape", self.shape, "of the model");
    field("learning_rate", self.learning_rate, "peak rate of each phase");
    field("warmup_steps", self.warmup_steps, "at the start of each phase");
    field("weight_decay", self.weight_decay, "on matrices only");
    field("batch_tokens", self.batch_tokens, "packed tokens per step");
    field("final_tokens", self.final_tokens, "length of the final phase");
    field("repairs", self.repairs, "rounds more when the end gate is missed");
    field("gate_count", self.gate_count, "texts per gate between phases");
    field("end_gate_count", self.end_gate_count, "texts per mode at the end");
  }
};

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

// Trains one phase with fresh optimizer state. Texts come from
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

// The whole recipe. Bit-identical for the same options and number of threads.
// Throws Error{kFailed} that names the phase and what was reached when a gate
// is missed: take another seed.
Transformer pretrain(const PretrainOptions& options,
                     const Vocabulary& vocabulary,
                     const PretrainCallbacks& callbacks = {});

}  // namespace veer::organism
