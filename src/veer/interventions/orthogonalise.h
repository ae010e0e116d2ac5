// SPDX-License-Identifier: MIT
//
// Ablation of one direction at every site and every token, written into the
// weights. The residual stream is the sum of what the embedding, each
// attention output and each feed-forward output write, so that
//
//   W <- W - a u (u' W),   b <- b - a u (u . b)     u a unit vector
//
// of all these writers leaves nothing of u in it for share a = 1: h = h0 - u
// (u . h0), exactly what the operator does at run time. With a < 1 the sum
// keeps (1 - a) of u, whereas the operator at several sites takes its share
// again at each of them.
// Source: Arditi et al., arXiv 2406.11717.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/progress.h"
#include "veer/model/config.h"
#include "veer/tensors/safetensors.h"

namespace veer {

// One changed tensor, by its name in the checkpoint.
struct OrthogonalisedWriter {
  std::string name;
  // |rounded - exact| / |exact change|, Frobenius norms: what the dtype of the
  // weight could not hold; 0 where nothing changes.
  double rounding_error = 0.0;
  // |u' W| behind over before: 1 - a but for rounding. 0 where it was 0.
  double left = 0.0;
};

struct OrthogonalisedWeights {
  TensorMap weights;  // unchanged ones are the tensors given
  std::vector<OrthogonalisedWriter> writers;
  // A head that was the embedding is stored by itself, because it reads the
  // stream and must stay: the config has to say so (untied_config).
  bool unties_head = false;
};

// direction_D: any length but 0, any float dtype; share: within [0, 1]. Sums
// in fp64, rounded once to each weight's dtype. Of a multimodal checkpoint the
// language model is changed, under its stored names.
// Throws Error on a direction of another width, zero or not finite, a share
// outside its range, a missing writer, and on a model that norms what a block
// writes before adding it (post-norms): no weight writes into its stream.
OrthogonalisedWeights orthogonalise_writers(const TensorMap& weights,
                                            const ModelConfig& config,
                                            const at::Tensor& direction_D,
                                            double share = 1.0,
                                            const Monitor& monitor = {});

// A config.json that says tie_word_embeddings = false.
std::string untied_config(std::string_view config_json);

}  // namespace veer
