// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/block.h"
#include "veer/model/config.h"
#include "veer/model/embedding.h"
#include "veer/model/linear.h"
#include "veer/model/norm.h"
#include "veer/model/weight_names.h"

namespace veer {

// A model's weights, each in its place.
struct ModelWeights {
  Embedding embedding;
  std::vector<Block> blocks;
  Norm final_norm;
  Linear head;  // its weight is the embedding's when tied
};

// Names of the weights that a card holds joined (linear_group.h).
std::set<std::string> joined_weights(const ModelConfig& config);

// Puts every tensor into its place. Throws Error on the first of
// weight_problems() and on dtypes or devices that differ. On a card (where the
// embedding lies) joined_weights() may be anywhere and of any dtype: they are
// copied into what they are joined in.
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
