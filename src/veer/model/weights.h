// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <string>
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
};

// Puts every tensor into its place. Throws Error on a missing, unexpected or
// misshaped tensor and on dtypes or devices that differ.
ModelWeights assemble_weights(const ModelConfig& config,
                              const std::map<std::string, at::Tensor>& tensors);

// Every weight with its name, in the order of weight_shapes().
std::vector<std::pair<std::string, at::Tensor>> named_weights(
    const ModelConfig& config, const ModelWeights& weights);

}  // namespace veer
