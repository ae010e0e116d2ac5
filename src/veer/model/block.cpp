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
};

Heads project(const ModelConfig& config, const Block& block,
              const at::Tensor& x_TD, const AdapterPass& adapter) {
  const std::int64_t q_width = config.num_heads * config.head_width;
  const std::int64_t kv_width = config.num_kv_heads * config.head_width;
  Heads flat;
  if (config.traits.fused_qkv) {
    const auto all = block.qkv.apply(x_TD, adapter);
    flat = {all.narrow(1, 0, q_width), all.narrow(1, q_width, kv_width),
            all.narrow(1, q_width + kv_width, kv_width)};
  } else {
    flat = {block.q.apply(x_TD, adapter), block.k.apply(x_TD, adapter),
            block.v.apply(x_TD, adapter)};
  }
  if (config.traits.qk_norm_whole) {
    flat.q_TQH = block.q_norm.apply(config, flat.q_TQH, adapter);
    flat.k_TKH = block.k_norm.apply(config, flat.k_TKH, adapter);
  }
  const auto split = [&](const at::Tensor& x) {
    return x.unflatten(1, {-1, config.head_width});
  };
  return {split(flat.q_TQH), split(flat.k_TKH), split(flat.v_TKH)};
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
  if (rope.cos_T1H.defined()) {
    // Together: a card waits for launches, not for the copy.
    const auto both = ops::rotate(at::cat({heads.q_TQH, heads.k_TKH}, 1), rope);
    heads.q_TQH = both.narrow(1, 0, config.num_heads);
    heads.k_TKH = both.narrow(1, config.num_heads, config.num_kv_heads);
    return heads;
  }
  heads.q_TQH = ops::rotate(heads.q_TQH, rope);
  heads.k_TKH = ops::rotate(heads.k_TKH, rope);
  return heads;
}

at::Tensor attention_part(const ModelConfig& config, const Block& block,
                          const at::Tensor& pre_TD, const ForwardPass& pass) {
  const Heads heads = heads_of(config, block, pre_TD, pass);
  KvCache* cache = pass.cache;
  const auto out_TQH = attention(
      heads.q_TQH, heads.k_TKH, heads.v_TKH, pass.batch, pass.plan,
      block.attention, cache == nullptr ? nullptr : &cache->keys(block.layer),
      cache == nullptr ? nullptr : &cache->values(block.layer));
  return block.o.apply(out_TQH.flatten(1, 2), pass.adapter);
}

at::Tensor feed_forward(const ModelConfig& config, const Block& block,
                        const at::Tensor& x_TD, const AdapterPass& adapter) {
  at::Tensor gate_TF;
  at::Tensor up_TF;
  if (config.traits.fused_gate_up) {
    const auto both = block.gate_up.apply(x_TD, adapter);
    gate_TF = both.narrow(1, 0, config.feed_forward);
    up_TF = both.narrow(1, config.feed_forward, config.feed_forward);
  } else {
    gate_TF = block.gate.apply(x_TD, adapter);
    up_TF = block.up.apply(x_TD, adapter);
  }
  return block.down.apply(ops::gated(gate_TF, up_TF, config.activation),
                          adapter);
}

template <class L, class B>
std::vector<L*> linears_of(B& block, const FamilyTraits& traits) {
  std::vector<L*> result;
  if (traits.fused_qkv) {
    result = {&block.qkv, &block.o};
  } else {
    result = {&block.q, &block.k, &block.v, &block.o};
  }
  if (traits.fused_gate_up) {
    result.insert(result.end(), {&block.gate_up, &block.down});
  } else {
    result.insert(result.end(), {&block.gate, &block.up, &block.down});
  }
  return result;
}

}  // namespace

std::vector<Linear*> Block::linears(const FamilyTraits& traits) {
  return linears_of<Linear>(*this, traits);
}

std::vector<const Linear*> Block::linears(const FamilyTraits& traits) const {
  return linears_of<const Linear>(*this, traits);
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

at::Tensor run_block(const ModelConfig& config, const Block& block,
                     const at::Tensor& x_TD, const ForwardPass& pass) {
  const auto at_point = [&](ResidualPoint point, at::Tensor hidden_TD) {
    return pass.hooks.visit({block.layer, point}, std::move(hidden_TD),
                            pass.batch);
  };
  const auto pre_TD = at_point(ResidualPoint::kResidPre, x_TD);
  auto part_TD = attention_part(config, block, pre_TD, pass);
  part_TD = at_point(ResidualPoint::kAttnOut,
                     block.post_attention.apply(config, part_TD, pass.adapter));
  const auto mid_TD = at_point(ResidualPoint::kResidMid, pre_TD + part_TD);
  part_TD = feed_forward(
      config, block, block.pre_feed_forward.apply(config, mid_TD, pass.adapter),
      pass.adapter);
  part_TD =
      at_point(ResidualPoint::kMlpOut,
               block.post_feed_forward.apply(config, part_TD, pass.adapter));
  return mid_TD + part_TD;
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
