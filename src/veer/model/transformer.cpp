// SPDX-License-Identifier: MIT
#include "veer/model/transformer.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "veer/base/error.h"
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
  bool has_adapter = false;
  std::string fingerprint;
};

namespace {

void check_ids(const PackedBatch& batch, std::int64_t vocab_size) {
  // On a GPU the look would wait for the device.
  if (!batch.ids_T.is_cpu()) {
    return;
  }
  const auto [low, high] = at::aminmax(batch.ids_T);
  const auto smallest = low.item<std::int64_t>();
  const auto largest = high.item<std::int64_t>();
  if (smallest < 0 || largest >= vocab_size) {
    fail("forward",
         fmt::format("token id {}", smallest < 0 ? smallest : largest),
         fmt::format("ids in 0..{}", vocab_size - 1),
         "the tokenizer belongs to another model");
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
  if (config.traits.norm == RmsNormKind::kWide || dtype == at::kDouble) {
    return table;
  }
  return {table.cos_TP.to(dtype), table.sin_TP.to(dtype)};
}

at::Tensor embed(const ModelConfig& config, const at::Tensor& embedding_VD,
                 const at::Tensor& ids_T) {
  const auto x_TD = at::embedding(embedding_VD, ids_T);
  if (!config.traits.scaled_embeddings) {
    return x_TD;
  }
  // The factor is rounded to the weights' dtype, as the makers do.
  const auto factor = at::scalar_tensor(
      std::sqrt(static_cast<double>(config.width)), x_TD.options());
  return x_TD * factor;
}

}  // namespace

Transformer::Transformer(ModelConfig config,
                         std::map<std::string, at::Tensor> weights) {
  ModelWeights placed = assemble_weights(config, weights);
  const at::Device device = placed.embedding_VD.device();
  const Rope rope(config.rope, config.head_width, device);
  const Rope sliding(config.sliding_rope.value_or(config.rope),
                     config.head_width, device);
  parts_ = std::make_unique<Parts>(
      Parts{std::move(config), std::move(placed), rope, sliding});
}

Transformer::~Transformer() = default;
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;

const ModelConfig& Transformer::config() const {
  return parts_->config;
}

at::ScalarType Transformer::dtype() const {
  return parts_->weights.embedding_VD.scalar_type();
}

at::Device Transformer::device() const {
  return parts_->weights.embedding_VD.device();
}

at::Tensor Transformer::forward(const PackedBatch& batch,
                                const ForwardOptions& options) const {
  const ModelConfig& config = parts_->config;
  const std::int64_t num_layers = layers_to_run(config, options);
  check_ids(batch, config.vocab_size);
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
  auto plan = plan_attention(batch, options.cache);
  if (options.cache != nullptr) {
    for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
      options.cache->hold(batch.slots[b], batch.starts[b] + batch.length(b));
    }
  }
  const auto pass = std::make_shared<const ForwardPass>(
      ForwardPass{batch, std::move(plan), std::move(table), std::move(sliding),
                  prepare_adapter(options.adapter, batch),
                  HookTable(options.hooks, num_layers), options.cache});
  auto x_TD = embed(config, parts_->weights.embedding_VD, batch.ids_T);
  for (std::int64_t i = 0; i < num_layers; ++i) {
    const Block& block = parts_->weights.blocks[i];
    const bool recompute = options.checkpoint_blocks &&
                           c10::GradMode::is_enabled() &&
                           !pass->hooks.wants_layer(i);
    x_TD = recompute ? run_block_recomputed(config, block, x_TD, pass)
                     : run_block(config, block, x_TD, *pass);
  }
  return x_TD;
}

at::Tensor Transformer::logits(const at::Tensor& hidden_ND) const {
  const ModelConfig& config = parts_->config;
  const auto normed_ND = ops::rms_norm(hidden_ND, parts_->weights.final_norm_D,
                                       config.norm_eps, config.traits.norm);
  const auto logits_NV = ops::linear(normed_ND, parts_->weights.head_VD);
  if (config.logit_softcap == 0.0) {
    return logits_NV;
  }
  return (logits_NV / config.logit_softcap).tanh() * config.logit_softcap;
}

void Transformer::attach(const Adapter& adapter) {
  std::map<std::string, Linear*> by_path;
  for (Block& block : parts_->weights.blocks) {
    for (Linear* linear : block.linears(parts_->config.traits)) {
      by_path[linear->path] = linear;
    }
  }
  for (const auto& [path, pair] : adapter.pairs) {
    const auto it = by_path.find(path);
    if (it == by_path.end()) {
      fail("attach adapter", path + " is no linear layer of this model", {},
           "the adapter was made for another model");
    }
    const at::Tensor& weight = it->second->weight_OI;
    if (pair.A_RI.dim() != 2 || pair.B_OR.dim() != 2 ||
        pair.A_RI.size(1) != weight.size(1) ||
        pair.B_OR.size(0) != weight.size(0) ||
        pair.A_RI.size(0) != pair.B_OR.size(1)) {
      fail("attach adapter", "the pair of " + path + " has another shape",
           fmt::format("A [rank, {}], B [{}, rank]", weight.size(1),
                       weight.size(0)),
           "the adapter was made for another model");
    }
  }
  detach();
  for (const auto& [path, pair] : adapter.pairs) {
    by_path.at(path)->pair = pair;
  }
  parts_->has_adapter = true;
}

void Transformer::detach() {
  for (Block& block : parts_->weights.blocks) {
    for (Linear* linear : block.linears(parts_->config.traits)) {
      linear->pair.reset();
    }
  }
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

const std::string& Transformer::fingerprint() const {
  if (parts_->fingerprint.empty()) {
    parts_->fingerprint = model_fingerprint(parts_->config, weights());
  }
  return parts_->fingerprint;
}

}  // namespace veer
