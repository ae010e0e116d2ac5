// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/attention.h"
#include "veer/model/config.h"
#include "veer/model/kv_cache.h"
#include "veer/model/linear.h"
#include "veer/model/linear_group.h"
#include "veer/model/norm.h"
#include "veer/model/packed_batch.h"
#include "veer/model/residual.h"
#include "veer/model/rope.h"

namespace veer {

// Weights of one block. Which are defined follows from FamilyTraits.
struct Block {
  std::int64_t layer = 0;
  Norm pre_attention;
  Norm post_attention;
  Norm pre_feed_forward;
  Norm post_feed_forward;
  Norm q_norm;
  Norm k_norm;
  Linear qkv;  // fused, or
  Linear q;
  Linear k;
  Linear v;
  Linear o;
  Linear gate_up;  // fused, or
  Linear gate;
  Linear up;
  Linear down;
  // qkv, or q, k and v; o; gate_up, or gate and up; down.
  LinearGroup attention_in;
  LinearGroup attention_out;
  LinearGroup feed_in;
  LinearGroup feed_out;
  AttentionSettings attention;
  bool sliding = false;

  // The linear layers that exist, in the order of the forward pass.
  std::vector<Linear*> linears(const FamilyTraits& traits);
  std::vector<const Linear*> linears(const FamilyTraits& traits) const;
  // Those whose weights join_weights() joins on a card.
  std::vector<const Linear*> joined(const FamilyTraits& traits) const;
  // The norm weights that exist.
  std::vector<at::Tensor> norms() const;

  // Once, when the weights are in place.
  void join_weights(const FamilyTraits& traits, const at::Tensor& like);
  // After each change of what an adapter has for the block's layers.
  void take_pairs(const FamilyTraits& traits);
  void forget_pairs();
};

// Which hooks want which site, asked once when the pass begins.
class HookTable {
 public:
  HookTable(HookList hooks, std::int64_t num_layers);

  // The state after all hooks that want the site.
  at::Tensor visit(ResidualSite site, at::Tensor hidden_TD,
                   const PackedBatch& batch) const;
  bool wants_layer(std::int64_t layer) const;
  bool wants(ResidualSite site) const;

 private:
  using Points = std::array<std::vector<ResidualHook*>, 5>;
  std::vector<Points> layers_;
};

// What all blocks of one forward pass share.
struct ForwardPass {
  PackedBatch batch;
  AttentionPlan plan;
  RopeTable rope;
  RopeTable sliding_rope;
  AdapterPass adapter;
  HookTable hooks;
  KvCache* cache = nullptr;
  // On a card, and no gradient is recorded: states are written over.
  bool in_place = false;
};

// The block's output [T, D] for its input. resid_post is visited by the caller.
at::Tensor run_block(const ModelConfig& config, const Block& block,
                     const at::Tensor& x_TD, const ForwardPass& pass);

// Only the block's keys and values, into the cache.
void fill_cache(const ModelConfig& config, const Block& block,
                const at::Tensor& x_TD, const ForwardPass& pass);

// run_block(), keeping only the input; the backward pass runs the block again.
at::Tensor run_block_recomputed(const ModelConfig& config, const Block& block,
                                const at::Tensor& x_TD,
                                std::shared_ptr<const ForwardPass> pass);

}  // namespace veer
