// SPDX-License-Identifier: MIT
#include "veer/model/block.h"

#include <algorithm>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include "veer/base/error.h"
#include "veer/model/ops.h"

namespace veer {
namespace {

struct Heads {
  at::Tensor q_TQH;
  at::Tensor k_TKH;
  at::Tensor v_TKH;
  // Queries and keys in one tensor, where they were made there and are not
  // normed apart.
  at::Tensor qk_TNH;
};

template <class L, class B>
std::vector<L*> attention_inputs_of(B& block, const FamilyTraits& traits) {
  if (traits.fused_qkv) {
    return {&block.qkv};
  }
  return {&block.q, &block.k, &block.v};
}

template <class L, class B>
std::vector<L*> feed_inputs_of(B& block, const FamilyTraits& traits) {
  if (traits.fused_gate_up) {
    return {&block.gate_up};
  }
  return {&block.gate, &block.up};
}

template <class L, class B>
std::vector<L*> linears_of(B& block, const FamilyTraits& traits) {
  auto result = attention_inputs_of<L>(block, traits);
  result.push_back(&block.o);
  for (L* linear : feed_inputs_of<L>(block, traits)) {
    result.push_back(linear);
  }
  result.push_back(&block.down);
  return result;
}

Heads project(const ModelConfig& config, const Block& block,
              const at::Tensor& x_TD, const AdapterPass& adapter) {
  const std::int64_t q_width = config.num_heads * config.head_width;
  const std::int64_t kv_width = config.num_kv_heads * config.head_width;
  const auto flat = block.attention_in.apply(
      x_TD, attention_inputs_of<const Linear>(block, config.traits),
      {q_width, kv_width, kv_width}, adapter);
  at::Tensor q = flat.parts[0];
  at::Tensor k = flat.parts[1];
  if (config.traits.qk_norm_whole) {
    q = block.q_norm.apply(config, q, adapter);
    k = block.k_norm.apply(config, k, adapter);
  }
  const auto split = [&](const at::Tensor& x) {
    return x.unflatten(1, {-1, config.head_width});
  };
  Heads heads{split(q), split(k), split(flat.parts[2]), {}};
  if (flat.all_TO.defined() && !config.traits.qk_norm) {
    heads.qk_TNH = split(flat.all_TO.narrow(1, 0, q_width + kv_width));
  }
  return heads;
}

// A card waits for launches, not for a copy: queries and keys together.
void rotate_together(const RopeTable& rope, bool in_place, Heads& heads) {
  const std::int64_t num_queries = heads.q_TQH.size(1);
  auto both = heads.qk_TNH.defined() ? heads.qk_TNH
                                     : at::cat({heads.q_TQH, heads.k_TKH}, 1);
  if (in_place) {
    ops::card::rotate_in_place(both, rope);
  } else {
    both = ops::rotate(both, rope);
  }
  heads.q_TQH = both.narrow(1, 0, num_queries);
  heads.k_TKH = both.narrow(1, num_queries, both.size(1) - num_queries);
}

// Normed and turned by position.
Heads heads_of(const ModelConfig& config, const Block& block,
               const at::Tensor& pre_TD, const ForwardPass& pass) {
  Heads heads = project(config, block,
                        block.pre_attention.apply(config, pre_TD, pass.adapter),
                        pass.adapter);
  if (config.traits.qk_norm && !config.traits.qk_norm_whole) {
    heads.q_TQH = block.q_norm.apply(config, heads.q_TQH, pass.adapter);
    heads.k_TKH = block.k_norm.apply(config, heads.k_TKH, pass.adapter);
  }
  const RopeTable& rope = block.sliding ? pass.sliding_rope : pass.rope;
  if (rope.turns_T122P.defined()) {
    rotate_together(rope, pass.in_place, heads);
    return heads;
  }
  heads.q_TQH = ops::rotate(heads.q_TQH, rope);
  heads.k_TKH = ops::rotate(heads.k_TKH, rope);
  return heads;
}

// What attention gives to its last layer.
at::Tensor attended(const ModelConfig& config, const Block& block,
                    const at::Tensor& pre_TD, const ForwardPass& pass) {
  const Heads heads = heads_of(config, block, pre_TD, pass);
  KvCache* cache = pass.cache;
  return attention(heads.q_TQH, heads.k_TKH, heads.v_TKH, pass.batch, pass.plan,
                   block.attention,
                   cache == nullptr ? nullptr : &cache->keys(block.layer),
                   cache == nullptr ? nullptr : &cache->values(block.layer))
      .flatten(1, 2);
}

// What the feed-forward part gives to its last layer.
at::Tensor gated(const ModelConfig& config, const Block& block,
                 const at::Tensor& x_TD, const ForwardPass& pass) {
  const auto both = block.feed_in.apply(
      x_TD, feed_inputs_of<const Linear>(block, config.traits),
      {config.feed_forward, config.feed_forward}, pass.adapter);
  at::Tensor gate_TF = both.parts[0];
  if (pass.in_place) {
    ops::card::gate_in_place(gate_TF, both.parts[1], config.activation);
    return gate_TF;
  }
  return ops::gated(gate_TF, both.parts[1], config.activation);
}

// One of the two parts of a block, from its last layer on.
struct Part {
  const Linear& last;
  const LinearGroup& group;
  const Norm& norm;
  ResidualPoint point;
};

// The state with what the part makes of `x` added to it.
at::Tensor with_part(const ModelConfig& config, const Part& part,
                     std::int64_t layer, at::Tensor state_TD,
                     const at::Tensor& x, const ForwardPass& pass) {
  const ResidualSite site{layer, part.point};
  if (pass.in_place && !part.norm.weight.defined() && !pass.hooks.wants(site)) {
    part.group.add_to(state_TD, x, part.last, pass.adapter);
    return state_TD;
  }
  const Linear* const last[] = {&part.last};
  auto made_TD =
      part.group.apply(x, last, {config.width}, pass.adapter).parts[0];
  made_TD = pass.hooks.visit(
      site, part.norm.apply(config, made_TD, pass.adapter), pass.batch);
  return state_TD + made_TD;
}

}  // namespace

std::vector<Linear*> Block::linears(const FamilyTraits& traits) {
  return linears_of<Linear>(*this, traits);
}

std::vector<const Linear*> Block::linears(const FamilyTraits& traits) const {
  return linears_of<const Linear>(*this, traits);
}

void Block::join_weights(const FamilyTraits& traits, const at::Tensor& like) {
  attention_in.join(attention_inputs_of<Linear>(*this, traits), like);
  feed_in.join(feed_inputs_of<Linear>(*this, traits), like);
}

void Block::take_pairs(const FamilyTraits& traits) {
  const Linear* const lasts[] = {&o, &down};
  attention_in.take_pairs(attention_inputs_of<const Linear>(*this, traits));
  attention_out.take_pairs({lasts, 1});
  feed_in.take_pairs(feed_inputs_of<const Linear>(*this, traits));
  feed_out.take_pairs({lasts + 1, 1});
}

void Block::forget_pairs() {
  for (LinearGroup* group :
       {&attention_in, &attention_out, &feed_in, &feed_out}) {
    group->forget_pairs();
  }
}

std::vector<const Linear*> Block::joined(const FamilyTraits& traits) const {
  auto result = attention_inputs_of<const Linear>(*this, traits);
  for (const Linear* linear : feed_inputs_of<const Linear>(*this, traits)) {
    result.push_back(linear);
  }
  return result;
}

std::vector<at::Tensor> Block::norms() const {
  std::vector<at::Tensor> result;
  for (const Norm* norm : {&pre_attention, &post_attention, &pre_feed_forward,
                           &post_feed_forward, &q_norm, &k_norm}) {
    if (norm->weight.defined()) {
      result.push_back(norm->weight);
    }
  }
  return result;
}

HookTable::HookTable(HookList hooks, std::int64_t num_layers) {
  if (hooks.empty()) {
    return;
  }
  layers_.resize(num_layers);
  for (std::int64_t layer = 0; layer < num_layers; ++layer) {
    for (std::size_t point = 0; point < layers_[layer].size(); ++point) {
      const ResidualSite site{layer, static_cast<ResidualPoint>(point)};
      for (ResidualHook* hook : hooks) {
        if (hook->wants(site)) {
          layers_[layer][point].push_back(hook);
        }
      }
    }
  }
}

at::Tensor HookTable::visit(ResidualSite site, at::Tensor hidden_TD,
                            const PackedBatch& batch) const {
  if (layers_.empty()) {
    return hidden_TD;
  }
  for (ResidualHook* hook :
       layers_[site.layer][static_cast<std::size_t>(site.point)]) {
    at::Tensor changed_TD = hook->visit(site, hidden_TD, batch);
    if (!changed_TD.defined() || changed_TD.sizes() != hidden_TD.sizes() ||
        changed_TD.scalar_type() != hidden_TD.scalar_type()) {
      fail_run("forward",
               "a hook at " + site.name() + " returned another shape or dtype");
    }
    hidden_TD = std::move(changed_TD);
  }
  return hidden_TD;
}

bool HookTable::wants_layer(std::int64_t layer) const {
  return !layers_.empty() &&
         std::ranges::any_of(layers_[layer],
                             [](const auto& hooks) { return !hooks.empty(); });
}

bool HookTable::wants(ResidualSite site) const {
  return !layers_.empty() &&
         !layers_[site.layer][static_cast<std::size_t>(site.point)].empty();
}

at::Tensor run_block(const ModelConfig& config, const Block& block,
                     const at::Tensor& x_TD, const ForwardPass& pass) {
  const auto at_point = [&](ResidualPoint point, at::Tensor hidden_TD) {
    return pass.hooks.visit({block.layer, point}, std::move(hidden_TD),
                            pass.batch);
  };
  const auto pre_TD = at_point(ResidualPoint::kResidPre, x_TD);
  const auto mid_TD =
      at_point(ResidualPoint::kResidMid,
               with_part(config,
                         {block.o, block.attention_out, block.post_attention,
                          ResidualPoint::kAttnOut},
                         block.layer, pre_TD,
                         attended(config, block, pre_TD, pass), pass));
  const auto normed_TD =
      block.pre_feed_forward.apply(config, mid_TD, pass.adapter);
  return with_part(config,
                   {block.down, block.feed_out, block.post_feed_forward,
                    ResidualPoint::kMlpOut},
                   block.layer, mid_TD, gated(config, block, normed_TD, pass),
                   pass);
}

void fill_cache(const ModelConfig& config, const Block& block,
                const at::Tensor& x_TD, const ForwardPass& pass) {
  const auto pre_TD = pass.hooks.visit({block.layer, ResidualPoint::kResidPre},
                                       x_TD, pass.batch);
  const Heads heads = heads_of(config, block, pre_TD, pass);
  store_keys_and_values(heads.k_TKH, heads.v_TKH, pass.batch, pass.plan,
                        pass.cache->keys(block.layer),
                        pass.cache->values(block.layer));
}

}  // namespace veer
