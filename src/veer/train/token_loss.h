// SPDX-License-Identifier: MIT
//
// Weighted cross-entropy over chosen token rows:
//
//   loss = sum_n w_n (logsumexp(z_n) - z_n[target_n]) / denominator
//
// in fp32 whatever the dtype of the logits z, the sum over the vocabulary in
// fp64 (at::logsumexp off the CPU). Its gradient,
// w_n (softmax(z_n) - onehot(target_n)) / denominator, is written over the
// logits in the forward pass, so that [N, V] is held once.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"

namespace veer {

class Transformer;

struct TokenLoss {
  at::Tensor loss;         // fp32 scalar that carries the gradient
  at::Tensor log_probs_N;  // fp32, log p(target_n), no gradient
};

// logits_NV: fp32 or bf16, contiguous; **overwritten** when gradients are
// recorded, so nothing else in the graph may have saved it (true for the
// output of a matrix product, not for that of tanh). targets_N int64,
// weights_N fp32. Throws Error on mismatched shapes or, where targets lie on
// the CPU, one outside V: on a card only their maker can look without waiting.
TokenLoss token_loss(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                     const at::Tensor& weights_N, double denominator);

// The same from hidden rows [N, D], `chunk_rows` rows at a time through
// model.logits(): memory for logits is chunk_rows * V. The gradient flows to
// hidden_ND only; norm and head of the model are taken as frozen. `strength`:
// that of the pass that made the rows, one for all of them.
TokenLoss head_token_loss(const Transformer& model, const at::Tensor& hidden_ND,
                          const at::Tensor& targets_N,
                          const at::Tensor& weights_N, double denominator,
                          std::int64_t chunk_rows = 512,
                          const AdapterStrength& strength = {});

}  // namespace veer
