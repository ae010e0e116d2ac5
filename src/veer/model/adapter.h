// SPDX-License-Identifier: MIT
//
// Low-rank adaptation (LoRA, arXiv 2106.09685): y = W x + s B A x with W
// frozen. Base and fine-tuned model are one object; the adapter is switched
// off, on, or to a strength in between, per row of a batch, and never merged
// for measuring.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

namespace veer {

// The pair of one linear layer. fp32 whatever the dtype of W.
struct LoraPair {
  at::Tensor A_RI;     // [rank, in]
  at::Tensor B_OR;     // [out, rank]
  double scale = 1.0;  // alpha / rank, or alpha / sqrt(rank) for rsLoRA
};

// Pairs by module path as Hugging Face names it below the top:
// "model.layers.3.self_attn.q_proj".
struct Adapter {
  std::map<std::string, LoraPair> pairs;
};

// How much of the adapter acts in a pass. Default: not at all, and then the
// output is bit-identical to that of a model without one.
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
