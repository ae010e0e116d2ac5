// SPDX-License-Identifier: MIT
//
// What fine-tuning changed of a model: low-rank pairs (LoRA, arXiv 2106.09685:
// y = W x + s B A x with W frozen; DoRA, arXiv 2402.09353, with a magnitude per
// output), whole weights (embedding, head, norms, biases) and rows of single
// tokens. Base and fine-tuned model are one object; the adapter is switched
// off, on, or to a strength in between, per row of a batch, and never merged
// for measuring.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// The pair of one linear layer, or of the embedding as the linear layer from
// one-hot tokens ([rank, vocabulary] and [width, rank]). fp32 whatever the
// dtype of W.
struct LoraPair {
  at::Tensor A_RI;     // [rank, in]
  at::Tensor B_OR;     // [out, rank]
  double scale = 1.0;  // alpha / rank, or alpha / sqrt(rank) for rsLoRA
  at::Tensor bias_O;   // of B, scaled with it (PEFT's lora_bias); or undefined
  // DoRA: the tuned weight is W + scale B A with each row stretched to this
  // length. Undefined: plain LoRA.
  at::Tensor magnitude_O;
};

// Rows of embedding or head that belong to single tokens.
struct ReplacedRows {
  std::vector<std::int64_t> ids;
  at::Tensor values_ND;
};

// By names as Hugging Face has them. A tied head is changed by what stands
// under "lm_head" only.
struct Adapter {
  // By module: "model.layers.3.self_attn.q_proj", "lm_head",
  // "model.embed_tokens".
  std::map<std::string, LoraPair> pairs;
  // What the tuned model has in a weight's place, by the weight's name:
  // "model.norm.weight". A pair of the same module comes on top.
  std::map<std::string, at::Tensor> weights;
  // By module, "model.embed_tokens" or "lm_head".
  std::map<std::string, ReplacedRows> tokens;

  bool empty() const {
    return pairs.empty() && weights.empty() && tokens.empty();
  }
};

// How much of the adapter acts in a pass. Default: not at all, and then the
// output is bit-identical to that of a model without one. At strength s each
// changed layer, norm and embedding gives y + s (y' - y), with y of the base
// and y' of the tuned weights: as if every weight were W + s (W' - W). s may be
// any number; 1 is the tuned model.
struct AdapterStrength {
  double uniform = 0.0;  // one strength for all rows
  at::Tensor per_row_B;  // fp32 [rows of the batch]; wins when defined

  // Training only: each input element of a pair is dropped with this chance,
  // the rest scaled by 1 / (1 - dropout). The masks follow from the seed
  // alone, so a recomputed block drops the same elements.
  double dropout = 0.0;
  std::uint64_t dropout_seed = 0;

  bool is_off() const { return !per_row_B.defined() && uniform == 0.0; }
};

}  // namespace veer
