// SPDX-License-Identifier: MIT
#include "veer/model/weights.h"

#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/transformer.h"
#include "veer/model/weight_check.h"

namespace veer {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kFinalNorm = "model.norm.weight";
constexpr const char* kHead = "lm_head.weight";

using Shape = std::vector<std::int64_t>;

std::string block_path(std::int64_t layer) {
  return fmt::format("model.layers.{}.", layer);
}

// Called with the name, shape and place of each weight of a block, and with the
// place of what an adapter has instead.
using Visitor = std::function<void(const std::string&, const Shape&,
                                   at::Tensor& weight, at::Tensor& tuned)>;

void visit_norm(const std::string& path, const Shape& shape, Norm& norm,
                const Visitor& visitor) {
  visitor(path + ".weight", shape, norm.weight, norm.tuned);
}

void visit_linear(const std::string& path, const Shape& shape, bool bias,
                  Linear& linear, const Visitor& visitor) {
  linear.path = path;
  visitor(path + ".weight", shape, linear.weight_OI, linear.tuned_weight_OI);
  if (bias) {
    visitor(path + ".bias", {shape[0]}, linear.bias_O, linear.tuned_bias_O);
  }
}

void visit_attention(const ModelConfig& c, const std::string& path,
                     Block& block, const Visitor& visitor) {
  const std::int64_t q = c.num_heads * c.head_width;
  const std::int64_t kv = c.num_kv_heads * c.head_width;
  const bool bias = c.traits.qkv_bias;
  if (c.traits.fused_qkv) {
    visit_linear(path + "qkv_proj", {q + 2 * kv, c.width}, bias, block.qkv,
                 visitor);
  } else {
    visit_linear(path + "q_proj", {q, c.width}, bias, block.q, visitor);
    visit_linear(path + "k_proj", {kv, c.width}, bias, block.k, visitor);
    visit_linear(path + "v_proj", {kv, c.width}, bias, block.v, visitor);
  }
  if (c.traits.qk_norm) {
    const bool whole = c.traits.qk_norm_whole;
    visit_norm(path + "q_norm", {whole ? q : c.head_width}, block.q_norm,
               visitor);
    visit_norm(path + "k_norm", {whole ? kv : c.head_width}, block.k_norm,
               visitor);
  }
  visit_linear(path + "o_proj", {c.width, q}, c.traits.o_bias, block.o,
               visitor);
}

void visit_feed_forward(const ModelConfig& c, const std::string& path,
                        Block& block, const Visitor& visitor) {
  const bool bias = c.traits.mlp_bias;
  if (c.traits.fused_gate_up) {
    visit_linear(path + "gate_up_proj", {2 * c.feed_forward, c.width}, bias,
                 block.gate_up, visitor);
  } else {
    visit_linear(path + "gate_proj", {c.feed_forward, c.width}, bias,
                 block.gate, visitor);
    visit_linear(path + "up_proj", {c.feed_forward, c.width}, bias, block.up,
                 visitor);
  }
  visit_linear(path + "down_proj", {c.width, c.feed_forward}, bias, block.down,
               visitor);
}

void visit_block(const ModelConfig& c, std::int64_t layer, Block& block,
                 const Visitor& visitor) {
  const std::string path = block_path(layer);
  const FamilyTraits& traits = c.traits;
  if (traits.pre_norms) {
    visit_norm(path + "input_layernorm", {c.width}, block.pre_attention,
               visitor);
  }
  visit_attention(c, path + "self_attn.", block, visitor);
  // The same name means a norm before the feed-forward part in Llama and one
  // after attention in families with post-norms.
  visit_norm(path + "post_attention_layernorm", {c.width},
             traits.post_norms ? block.post_attention : block.pre_feed_forward,
             visitor);
  if (traits.post_norms && traits.pre_norms) {
    visit_norm(path + "pre_feedforward_layernorm", {c.width},
               block.pre_feed_forward, visitor);
  }
  visit_feed_forward(c, path + "mlp.", block, visitor);
  if (traits.post_norms) {
    visit_norm(path + "post_feedforward_layernorm", {c.width},
               block.post_feed_forward, visitor);
  }
}

void visit_all(const ModelConfig& config, ModelWeights& weights,
               const Visitor& visitor) {
  const Shape table = {config.vocab_size, config.width};
  visitor(kEmbedding, table, weights.embedding.weight_VD,
          weights.embedding.tuned_VD);
  weights.blocks.resize(config.num_layers);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    visit_block(config, i, weights.blocks[i], visitor);
  }
  visitor(kFinalNorm, {config.width}, weights.final_norm.weight,
          weights.final_norm.tuned);
  if (!config.tied_head) {
    visitor(kHead, table, weights.head.weight_OI, weights.head.tuned_weight_OI);
  }
}

void place_in_stack(const ModelConfig& config, ModelWeights& weights) {
  std::int64_t number = 0;
  const double scale =
      config.attention_scale > 0.0
          ? config.attention_scale
          : 1.0 / std::sqrt(static_cast<double>(config.head_width));
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    Block& block = weights.blocks[i];
    block.layer = i;
    block.sliding = config.layer_kinds[i] == LayerKind::kSliding;
    block.attention = {.scale = scale,
                       .softcap = config.attention_softcap,
                       .window = block.sliding ? config.sliding_window : 0};
    for (Linear* linear : block.linears(config.traits)) {
      linear->number = number++;
    }
  }
  weights.head.path = "lm_head";
  weights.head.number = number;
}

}  // namespace

std::vector<std::pair<std::string, std::vector<std::int64_t>>> weight_shapes(
    const ModelConfig& config) {
  std::vector<std::pair<std::string, Shape>> result;
  ModelWeights places;
  visit_all(config, places,
            [&](const std::string& name, const Shape& shape, at::Tensor&,
                at::Tensor&) { result.emplace_back(name, shape); });
  return result;
}

std::set<std::string> joined_weights(const ModelConfig& config) {
  ModelWeights places;
  visit_all(config, places,
            [](const std::string&, const Shape&, at::Tensor&, at::Tensor&) {});
  std::set<std::string> names;
  for (const Block& block : places.blocks) {
    for (const Linear* linear : block.joined(config.traits)) {
      names.insert(linear->path + ".weight");
      names.insert(linear->path + ".bias");
    }
  }
  return names;
}

ModelWeights assemble_weights(
    const ModelConfig& config,
    const std::map<std::string, at::Tensor>& tensors) {
  if (const auto problems = weight_problems(config, tensors);
      !problems.empty()) {
    throw Error(ErrorKind::kBadInput, problems.front());
  }
  const auto joined = joined_weights(config);
  ModelWeights weights;
  visit_all(
      config, weights,
      [&](const std::string& name, const Shape&, at::Tensor& to, at::Tensor&) {
        to = tensors.at(name);
        const at::Tensor& first = weights.embedding.weight_VD;
        // Joined weights are copied to where the others are.
        if (!first.is_cpu() && joined.contains(name)) {
          return;
        }
        if (to.scalar_type() != first.scalar_type() ||
            to.device() != first.device()) {
          fail("load model",
               name + " differs from the others in dtype or device",
               "one dtype and device");
        }
      });
  if (config.tied_head) {
    weights.head.weight_OI = weights.embedding.weight_VD;
  }
  place_in_stack(config, weights);
  for (Block& block : weights.blocks) {
    block.join_weights(config.traits, weights.embedding.weight_VD);
  }
  return weights;
}

std::vector<std::pair<std::string, at::Tensor>> named_weights(
    const ModelConfig& config, const ModelWeights& weights) {
  std::vector<std::pair<std::string, at::Tensor>> result;
  ModelWeights copy = weights;
  visit_all(config, copy,
            [&](const std::string& name, const Shape&, at::Tensor& tensor,
                at::Tensor&) { result.emplace_back(name, tensor); });
  return result;
}

std::vector<WeightPlace> weight_places(const ModelConfig& config,
                                       ModelWeights& weights) {
  std::vector<WeightPlace> places;
  visit_all(config, weights,
            [&](const std::string& name, const Shape& shape, at::Tensor& weight,
                at::Tensor& tuned) {
              places.push_back({name, shape, &weight, &tuned});
            });
  if (config.tied_head) {
    places.push_back({kHead,
                      {config.vocab_size, config.width},
                      &weights.head.weight_OI,
                      &weights.head.tuned_weight_OI});
  }
  return places;
}

}  // namespace veer
