// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/block.h"
#include "veer/model/config.h"
#include "veer/model/embedding.h"
#include "veer/model/linear.h"
#include "veer/model/norm.h"

namespace veer {

// A model's weights, each in its place.
struct ModelWeights {
  Embedding embedding;
  std::vector<Block> blocks;
  Norm final_norm;
  Linear head;  // its weight is the embedding's when tied
};

// The plain name of a tensor or module of a language model that may lie inside
// a multimodal checkpoint ("language_model.model.layers…" as Gemma 3 was
// published, "model.language_model.layers…" as transformers 5 writes it). None:
// it belongs to another part, such as the vision tower.
std::optional<std::string> language_model_name(std::string_view name);

// The entries of a map by tensor or module name that are of the language model,
// under their plain names.
template <class T>
std::map<std::string, T> language_model_part(std::map<std::string, T> all) {
  std::map<std::string, T> result;
  for (auto& [name, value] : all) {
    if (auto plain = language_model_name(name)) {
      result.emplace(std::move(*plain), std::move(value));
    }
  }
  return result;
}

// Puts every tensor into its place. Throws Error on a missing, unexpected or
// misshaped tensor and on dtypes or devices that differ.
ModelWeights assemble_weights(const ModelConfig& config,
                              const std::map<std::string, at::Tensor>& tensors);

// Every weight with its name, in the order of weight_shapes().
std::vector<std::pair<std::string, at::Tensor>> named_weights(
    const ModelConfig& config, const ModelWeights& weights);

// A weight's name and shape, its place, and the place of what an adapter has
// instead of it.
struct WeightPlace {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor* weight = nullptr;
  at::Tensor* tuned = nullptr;
};

// Of every weight, in the order of weight_shapes(), and of the head when tied.
std::vector<WeightPlace> weight_places(const ModelConfig& config,
                                       ModelWeights& weights);

}  // namespace veer
