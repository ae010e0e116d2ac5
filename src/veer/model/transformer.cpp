// SPDX-License-Identifier: MIT
#include "veer/model/transformer.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/attach.h"
#include "veer/model/block.h"
#include "veer/model/fingerprint.h"
#include "veer/model/ops.h"
#include "veer/model/rope.h"
#include "veer/model/weights.h"

namespace veer {

struct Transformer::Parts {
  ModelConfig config;
  ModelWeights weights;
  Rope rope;
  Rope sliding_rope;
  // As the files hold them; empty where `weights` are the same tensors.
  std::map<std::string, at::Tensor> stored;
  bool has_adapter = false;
  std::string fingerprint;

  AttentionUse attention_use() const {
    AttentionUse use{.dtype = weights.embedding.weight_VD.scalar_type(),
                     .head_width = config.head_width};
    for (const Block& block : weights.blocks) {
      const auto& [scale, softcap, window] = block.attention;
      use.softcap = use.softcap || softcap > 0.0;
      if (window > 0 && (use.window == 0 || window < use.window)) {
        use.window = window;
      }
    }
    return use;
  }

  std::vector<std::pair<std::string, at::Tensor>> stored_weights() const {
    auto all = named_weights(config, weights);
    for (auto& [name, weight] : all) {
      if (const auto found = stored.find(name); found != stored.end()) {
        weight = found->second;
      }
    }
    return all;
  }
};

namespace {

void check_ids(const PackedBatch& batch, std::int64_t vocab_size) {
  if (batch.smallest_id < 0 || batch.largest_id >= vocab_size) {
    fail("forward",
         fmt::format("token id {}", batch.smallest_id < 0 ? batch.smallest_id
                                                          : batch.largest_id),
         fmt::format("ids in 0..{}", vocab_size - 1),
         "the tokenizer belongs to another model, or has tokens that the "
         "model's embeddings were not resized for");
  }
}

std::int64_t layers_to_run(const ModelConfig& config,
                           const ForwardOptions& options) {
  if (!options.last_layer) {
    return config.num_layers;
  }
  if (*options.last_layer < 0 || *options.last_layer >= config.num_layers) {
    fail("forward", fmt::format("last layer {}", *options.last_layer),
         fmt::format("a layer in 0..{}", config.num_layers - 1));
  }
  return *options.last_layer + 1;
}

// The makers round angles to the model's dtype before they turn a head by them.
// OLMo 2, which also rounds its norms only at the end, does not.
RopeTable rounded(const ModelConfig& config, RopeTable table,
                  at::ScalarType dtype) {
  const bool rounds =
      config.traits.norm != RmsNormKind::kWide && dtype != at::kDouble;
  const std::int64_t half = table.cos_TP.size(1);
  if (!table.cos_TP.is_cpu() && 2 * half == config.head_width) {
    const auto all =
        at::cat({table.cos_TP, -table.sin_TP, table.sin_TP, table.cos_TP}, 1);
    table.turns_T122P =
        (rounds ? all.to(dtype) : all).view({-1, 1, 2, 2, half});
  } else if (rounds) {
    table.cos_TP = table.cos_TP.to(dtype);
    table.sin_TP = table.sin_TP.to(dtype);
  }
  return table;
}

// The rows that run from one block on, all of them unless rows are shared.
struct Stage {
  std::int64_t first_block = 0;
  std::shared_ptr<const ForwardPass> pass;
};

RopeTable first_tokens(const RopeTable& table, std::int64_t count) {
  return {.cos_TP = table.cos_TP.narrow(0, 0, count),
          .sin_TP = table.sin_TP.narrow(0, 0, count)};
}

// `whole`: the pass of all rows, without its plan.
Stage stage_of(const ForwardPass& whole, const AttentionUse& use,
               std::int64_t first_block, std::int64_t num_rows) {
  ForwardPass pass = whole;
  if (num_rows < whole.batch.num_rows()) {
    pass.batch = first_rows(whole.batch, num_rows);
    const std::int64_t tokens = pass.batch.num_tokens();
    pass.rope = first_tokens(whole.rope, tokens);
    pass.sliding_rope = first_tokens(whole.sliding_rope, tokens);
    if (whole.adapter.strength_T1.defined()) {
      pass.adapter.strength_T1 = whole.adapter.strength_T1.narrow(0, 0, tokens);
    }
  }
  pass.plan = plan_attention(pass.batch, pass.cache, use);
  return {first_block, std::make_shared<const ForwardPass>(std::move(pass))};
}

std::vector<Stage> plan_stages(const ForwardPass& whole,
                               const AttentionUse& use,
                               const RowSharing* sharing,
                               std::int64_t num_layers) {
  const std::int64_t rows = whole.batch.num_rows();
  if (sharing == nullptr) {
    return {stage_of(whole, use, 0, rows)};
  }
  check_sharing(*sharing, whole.batch, num_layers);
  std::vector<Stage> stages;
  for (std::int64_t b = 1; b <= rows; ++b) {
    const std::int64_t block = sharing->first_block[b - 1];
    if (b == rows || sharing->first_block[b] != block) {
      stages.push_back(stage_of(whole, use, block, b));
    }
  }
  return stages;
}

// The states of both stages' rows; `x_TD`, those of the earlier one, may be
// undefined, and then so is the result.
at::Tensor join_rows(const RowSharing& sharing, const Stage& before,
                     const Stage& after, const at::Tensor& x_TD) {
  const PackedBatch& batch = after.pass->batch;
  const std::int64_t begin = before.pass->batch.num_rows();
  if (batch.stores) {
    copy_from_leaders(sharing, batch, begin, batch.num_rows(),
                      after.first_block, *after.pass->cache);
  }
  if (!x_TD.defined()) {
    return {};
  }
  const auto tokens = leader_tokens(sharing, batch, begin, batch.num_rows());
  return at::cat({x_TD, x_TD.index_select(0, at::tensor(at::IntArrayRef(tokens),
                                                        at::kLong))});
}

}  // namespace

Transformer::Transformer(ModelConfig config,
                         std::map<std::string, at::Tensor> weights,
                         std::map<std::string, at::Tensor> stored) {
  ModelWeights placed = assemble_weights(config, weights);
  const at::Device device = placed.embedding.weight_VD.device();
  const Rope rope(config.rope, config.head_width, device);
  const Rope sliding(config.sliding_rope.value_or(config.rope),
                     config.head_width, device);
  parts_ = std::make_unique<Parts>(Parts{std::move(config), std::move(placed),
                                         rope, sliding, std::move(stored)});
}

Transformer::~Transformer() = default;
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;

const ModelConfig& Transformer::config() const {
  return parts_->config;
}

at::ScalarType Transformer::dtype() const {
  return parts_->weights.embedding.weight_VD.scalar_type();
}

at::Device Transformer::device() const {
  return parts_->weights.embedding.weight_VD.device();
}

at::Tensor Transformer::forward(const PackedBatch& batch,
                                const ForwardOptions& options) const {
  const ModelConfig& config = parts_->config;
  const std::int64_t num_layers = layers_to_run(config, options);
  check_ids(batch, config.vocab_size);
  if (options.fill_cache_only && (options.cache == nullptr || !batch.stores)) {
    fail("forward", "keys and values wanted, and no cache that takes them");
  }
  const c10::AutoGradMode mode(c10::GradMode::is_enabled() &&
                               options.cache == nullptr);
  const std::int64_t max_tokens =
      options.cache == nullptr ? 0 : options.cache->max_tokens();
  auto table = rounded(config, parts_->rope.table(batch, max_tokens), dtype());
  auto sliding =
      config.sliding_rope
          ? rounded(config, parts_->sliding_rope.table(batch, max_tokens),
                    dtype())
          : table;
  const auto stages =
      plan_stages({batch,
                   {},
                   std::move(table),
                   std::move(sliding),
                   prepare_adapter(options.adapter, batch),
                   HookTable(options.hooks, num_layers),
                   options.cache,
                   !device().is_cpu() && !c10::GradMode::is_enabled()},
                  parts_->attention_use(), options.sharing, num_layers);
  if (options.cache != nullptr) {
    for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
      options.cache->hold(
          batch.slots[b],
          batch.starts[b] + (batch.stores ? batch.length(b) : 0));
    }
  }
  auto stage = stages.begin();
  auto x_TD = parts_->weights.embedding.apply(config, stage->pass->batch.ids_T,
                                              stage->pass->adapter);
  for (std::int64_t i = 0; i < num_layers; ++i) {
    const Block& block = parts_->weights.blocks[i];
    if (options.fill_cache_only && i == num_layers - 1) {
      fill_cache(config, block, x_TD, *stage->pass);
      x_TD = at::Tensor();
    } else {
      const bool recompute = options.checkpoint_blocks &&
                             c10::GradMode::is_enabled() &&
                             !stage->pass->hooks.wants_layer(i);
      x_TD = recompute ? run_block_recomputed(config, block, x_TD, stage->pass)
                       : run_block(config, block, x_TD, *stage->pass);
    }
    if (const auto next = std::next(stage);
        next != stages.end() && next->first_block == i + 1) {
      x_TD = join_rows(*options.sharing, *stage, *next, x_TD);
      stage = next;
    }
    if (x_TD.defined()) {
      x_TD = stage->pass->hooks.visit({i, ResidualPoint::kResidPost},
                                      std::move(x_TD), stage->pass->batch);
    }
  }
  return x_TD;
}

at::Tensor Transformer::logits(const at::Tensor& hidden_ND) const {
  if (parts_->weights.head.is_changed() ||
      parts_->weights.final_norm.tuned.defined()) {
    fail("logits", "an adapter that changes the head, and no strength",
         "the strength of each row");
  }
  return logits(hidden_ND, AdapterStrength());
}

at::Tensor Transformer::logits(const at::Tensor& hidden_ND,
                               const AdapterStrength& strength) const {
  const ModelConfig& config = parts_->config;
  const auto adapter =
      prepare_adapter(strength, hidden_ND.size(0), hidden_ND.device());
  const auto normed_ND =
      parts_->weights.final_norm.apply(config, hidden_ND, adapter);
  const auto logits_NV = parts_->weights.head.apply(normed_ND, adapter);
  if (config.logit_softcap == 0.0) {
    return logits_NV;
  }
  return (logits_NV / config.logit_softcap).tanh() * config.logit_softcap;
}

void Transformer::attach(const Adapter& adapter) {
  check_adapter(parts_->config, parts_->weights, adapter);
  detach();
  attach_adapter(parts_->config, parts_->weights, adapter);
  parts_->has_adapter = true;
}

void Transformer::detach() {
  detach_adapter(parts_->config, parts_->weights);
  parts_->has_adapter = false;
}

bool Transformer::has_adapter() const {
  return parts_->has_adapter;
}

std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>>
Transformer::linear_layers() const {
  std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>>
      result;
  for (const Block& block : parts_->weights.blocks) {
    for (const Linear* linear : block.linears(parts_->config.traits)) {
      result.push_back(
          {linear->path,
           {linear->weight_OI.size(0), linear->weight_OI.size(1)}});
    }
  }
  return result;
}

std::vector<std::pair<std::string, at::Tensor>> Transformer::weights() const {
  return named_weights(parts_->config, parts_->weights);
}

void Transformer::keep_turned_weights(std::int64_t max_bytes) {
  ModelWeights& weights = parts_->weights;
  std::vector<std::pair<const at::Tensor*, ops::TurnedWeights*>> all = {
      {&weights.head.weight_OI, &weights.head.turned}};
  for (Block& block : weights.blocks) {
    for (Linear* linear : block.linears(parts_->config.traits)) {
      all.emplace_back(&linear->weight_OI, &linear->turned);
    }
  }
  std::int64_t bytes = 0;
  for (const auto& [weight, kept] : all) {
    bytes += static_cast<std::int64_t>(weight->nbytes());
  }
  for (const auto& [weight, kept] : all) {
    *kept = bytes <= max_bytes ? ops::turned(*weight) : ops::TurnedWeights();
  }
}

const std::string& Transformer::fingerprint() const {
  if (parts_->fingerprint.empty()) {
    parts_->fingerprint =
        model_fingerprint(parts_->config, parts_->stored_weights());
  }
  return parts_->fingerprint;
}

bool Transformer::has_fingerprint(const std::string& text) const {
  constexpr std::array kTypes = {at::kFloat, at::kBFloat16, at::kHalf};
  return text == fingerprint() ||
         std::ranges::any_of(kTypes, [&](at::ScalarType dtype) {
           return text == model_fingerprint(parts_->config,
                                            parts_->stored_weights(), dtype);
         });
}

}  // namespace veer
