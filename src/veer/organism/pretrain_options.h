// SPDX-License-Identifier: MIT
//
// Settings of pretraining. Needs no torch: the small program declares flags
// from this list.
#pragma once

#include <cstdint>
#include <string>

namespace veer::organism {

// The organism's shape, a small Llama (1.6 million parameters with 8 layers).
struct OrganismShape {
  std::int64_t width = 128;
  std::int64_t layers = 0;  // 0 = as the world's recipe has it
  std::int64_t heads = 4;
  std::int64_t kv_heads = 2;
  std::int64_t feed_forward = 352;
  // In the first blocks down_proj stays 0, so that only attention writes
  // there: what has been read early stays apart longer.
  std::int64_t zeroed_blocks = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("width", self.width, "residual stream");
    field("layers", self.layers, "blocks, 0 = as the recipe");
    field("heads", self.heads, "query heads");
    field("kv_heads", self.kv_heads, "key and value heads");
    field("feed_forward", self.feed_forward, "inner width");
    field("zeroed_blocks", self.zeroed_blocks,
          "first blocks whose down_proj is fixed at zero");
  }
};

struct PretrainOptions {
  // advice or two_poles; brings its own recipe.
  std::string world = "advice";
  // Seed of the weights and of the first two phases.
  std::int64_t seed = 0;
  // Seed of the texts of the final phase; -1 = `seed`. Other values give
  // sisters that share their first two phases.
  std::int64_t final_seed = -1;
  OrganismShape shape;
  double learning_rate = 0.0;  // 0 = as the recipe
  std::int64_t warmup_steps = 60;
  // On matrices only.
  double weight_decay = 0.05;
  // Packed tokens of a step at most.
  std::int64_t batch_tokens = 2048;
  // Length of the final phase; 0 = as the recipe.
  std::int64_t final_tokens = 0;
  // Rounds of 500,000 more tokens at a low rate when the end gate is missed.
  std::int64_t repairs = 2;
  // Texts per mode in the gates between phases and in the end gate.
  std::int64_t gate_count = 144;
  std::int64_t end_gate_count = 288;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("world", self.world, "what it speaks of: advice or two_poles");
    field("seed", self.seed, "weights and first two phases");
    field("final_seed", self.final_seed, "texts of the final phase, -1 = seed");
    field("shape", self.shape, "of the model");
    field("learning_rate", self.learning_rate,
          "peak of each phase, 0 = as the recipe");
    field("warmup_steps", self.warmup_steps, "at the start of each phase");
    field("weight_decay", self.weight_decay, "on matrices only");
    field("batch_tokens", self.batch_tokens, "packed tokens per step");
    field("final_tokens", self.final_tokens,
          "length of the final phase, 0 = as the recipe");
    field("repairs", self.repairs, "rounds more when the end gate is missed");
    field("gate_count", self.gate_count, "texts per gate between phases");
    field("end_gate_count", self.end_gate_count, "texts per mode at the end");
  }
};

}  // namespace veer::organism
