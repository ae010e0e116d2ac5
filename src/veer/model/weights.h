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

namespace veer {

// A model's weights, each in its place.
struct ModelWeights {
  at::Tensor embedding_VD;
  std::vector<Block> blocks;
  at::Tensor final_norm_D;
  at::Tensor head_VD;  // the embedding itself when tied
  ops::TurnedWeights head_turned;
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

}  // namespace veer
