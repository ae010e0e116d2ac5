// SPDX-License-Identifier: MIT
#include "veer/model/attach.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr const char* kEmbeddingPath = "model.embed_tokens";
constexpr const char* kHeadPath = "lm_head";
constexpr const char* kTask = "attach adapter";
constexpr const char* kOther = "the adapter was made for another model";

std::map<std::string, Linear*> linears_by_path(const ModelConfig& config,
                                               ModelWeights& weights) {
  std::map<std::string, Linear*> by_path;
  for (Block& block : weights.blocks) {
    for (Linear* linear : block.linears(config.traits)) {
      by_path[linear->path] = linear;
    }
  }
  by_path[kHeadPath] = &weights.head;
  return by_path;
}

void check_pair(const std::string& path, const LoraPair& pair, std::int64_t out,
                std::int64_t in) {
  if (pair.A_RI.dim() != 2 || pair.B_OR.dim() != 2 || pair.A_RI.size(1) != in ||
      pair.B_OR.size(0) != out || pair.A_RI.size(0) != pair.B_OR.size(1)) {
    fail(kTask, "the pair of " + path + " has another shape",
         fmt::format("A [rank, {}], B [{}, rank]", in, out), kOther);
  }
  for (const at::Tensor& part : {pair.bias_O, pair.magnitude_O}) {
    if (part.defined() && (part.dim() != 1 || part.size(0) != out)) {
      fail(kTask, "the magnitude or bias of " + path + " has another shape",
           fmt::format("{} numbers", out), kOther);
    }
  }
}

void check_tokens(const ModelConfig& config, const std::string& path,
                  const ReplacedRows& rows) {
  if (path != kEmbeddingPath && path != kHeadPath) {
    fail(kTask, "tokens of " + path, "tokens of the embedding or the head");
  }
  const auto count = std::ssize(rows.ids);
  if (rows.values_ND.dim() != 2 || rows.values_ND.size(0) != count ||
      rows.values_ND.size(1) != config.width) {
    fail(kTask, "the tokens of " + path + " have another shape",
         fmt::format("[{}, {}]", count, config.width), kOther);
  }
  for (const std::int64_t id : rows.ids) {
    if (id < 0 || id >= config.vocab_size) {
      fail(kTask, fmt::format("token {} of {}", id, path),
           fmt::format("tokens 0 to {}", config.vocab_size - 1), kOther);
    }
  }
}

void check_weight(const WeightPlace& place, const at::Tensor& tuned) {
  if (tuned.sizes() == at::IntArrayRef(place.shape) &&
      tuned.is_floating_point()) {
    return;
  }
  const bool rows = tuned.dim() == 2 && place.shape.size() == 2 &&
                    tuned.size(1) == place.shape[1];
  const bool table = place.name == "lm_head.weight" ||
                     place.name == "model.embed_tokens.weight";
  fail(kTask,
       fmt::format("the adapter's {} is [{}]", place.name,
                   fmt::join(tuned.sizes(), ", ")),
       fmt::format("[{}]", fmt::join(place.shape, ", ")),
       rows && table
           ? "tokens were added before training: resize the base's embeddings "
             "as then (resize_token_embeddings) and save it"
           : kOther);
}

// What the tuned model has there, or undefined where that is the base's own.
at::Tensor changed(const at::Tensor& tuned, const at::Tensor& base) {
  const auto value = tuned.detach().to(base.device(), base.scalar_type());
  return at::equal(value, base) ? at::Tensor() : value;
}

// DoRA: what each row of W + s B A is multiplied by to get its length.
at::Tensor gain(const LoraPair& pair, const at::Tensor& weight_OI) {
  const at::NoGradGuard no_grad;
  const auto weight =
      weight_OI.to(at::kFloat) +
      pair.B_OR.matmul(pair.A_RI).to(weight_OI.device()) * pair.scale;
  const auto norm_O = at::linalg_vector_norm(weight, 2.0, at::IntArrayRef{1},
                                             /*keepdim=*/false, at::kDouble);
  return (pair.magnitude_O.to(norm_O.device(), at::kDouble) / norm_O)
      .to(at::kFloat);
}

LoraPair on_device(LoraPair pair, at::Device device) {
  for (at::Tensor* part :
       {&pair.A_RI, &pair.B_OR, &pair.bias_O, &pair.magnitude_O}) {
    if (part->defined()) {
      *part = part->to(device);
    }
  }
  return pair;
}

void attach_linear(Linear& linear, const LoraPair& pair) {
  linear.pair = on_device(pair, linear.weight_OI.device());
  if (pair.magnitude_O.defined()) {
    linear.gain_O = gain(*linear.pair, linear.tuned_weight_OI.defined()
                                           ? linear.tuned_weight_OI
                                           : linear.weight_OI);
  }
}

void attach_embedding(Embedding& embedding, const LoraPair& pair) {
  embedding.pair = on_device(pair, embedding.weight_VD.device());
  if (pair.magnitude_O.defined()) {
    const auto& table_VD =
        embedding.tuned_VD.defined() ? embedding.tuned_VD : embedding.weight_VD;
    embedding.gain_D = gain(*embedding.pair, table_VD.t());
  }
}

void attach_tokens(ModelWeights& weights, const std::string& path,
                   const ReplacedRows& rows) {
  const auto& table_VD = weights.embedding.weight_VD;
  const auto values_ND =
      rows.values_ND.detach().to(table_VD.device(), table_VD.scalar_type());
  const auto ids_N = at::tensor(rows.ids, at::kLong).to(table_VD.device());
  if (path == kHeadPath) {
    weights.head.row_ids_N = ids_N;
    weights.head.rows_NI = values_ND;
    return;
  }
  weights.embedding.rows_ND = values_ND;
  weights.embedding.row_of_V =
      at::full({table_VD.size(0)}, -1, ids_N.options());
  for (std::int64_t i = 0; i < std::ssize(rows.ids); ++i) {
    weights.embedding.row_of_V[rows.ids[i]] = i;
  }
}

}  // namespace

void check_adapter(const ModelConfig& config, ModelWeights& weights,
                   const Adapter& adapter) {
  const auto by_path = linears_by_path(config, weights);
  for (const auto& [path, pair] : adapter.pairs) {
    if (path == kEmbeddingPath) {
      check_pair(path, pair, config.width, config.vocab_size);
      continue;
    }
    const auto it = by_path.find(path);
    if (it == by_path.end()) {
      fail(kTask, path + " is no linear layer of this model", {}, kOther);
    }
    const at::Tensor& weight = it->second->weight_OI;
    check_pair(path, pair, weight.size(0), weight.size(1));
  }
  std::map<std::string, WeightPlace> places;
  for (auto& place : weight_places(config, weights)) {
    places.emplace(place.name, place);
  }
  for (const auto& [name, tuned] : adapter.weights) {
    const auto it = places.find(name);
    if (it == places.end()) {
      fail(kTask, name + " is no weight of this model", {}, kOther);
    }
    check_weight(it->second, tuned);
  }
  for (const auto& [path, rows] : adapter.tokens) {
    check_tokens(config, path, rows);
  }
}

void attach_adapter(const ModelConfig& config, ModelWeights& weights,
                    const Adapter& adapter) {
  for (const auto& place : weight_places(config, weights)) {
    if (const auto it = adapter.weights.find(place.name);
        it != adapter.weights.end()) {
      *place.tuned = changed(it->second, *place.weight);
    }
  }
  const auto by_path = linears_by_path(config, weights);
  for (const auto& [path, pair] : adapter.pairs) {
    if (path == kEmbeddingPath) {
      attach_embedding(weights.embedding, pair);
    } else {
      attach_linear(*by_path.at(path), pair);
    }
  }
  for (const auto& [path, rows] : adapter.tokens) {
    attach_tokens(weights, path, rows);
  }
  for (Block& block : weights.blocks) {
    block.take_pairs(config.traits);
  }
}

void detach_adapter(const ModelConfig& config, ModelWeights& weights) {
  for (const auto& [path, linear] : linears_by_path(config, weights)) {
    linear->forget_adapter();
  }
  for (Block& block : weights.blocks) {
    block.forget_pairs();
  }
  weights.embedding.forget_adapter();
  for (const auto& place : weight_places(config, weights)) {
    *place.tuned = at::Tensor();
  }
}

}  // namespace veer
