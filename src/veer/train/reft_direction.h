// SPDX-License-Identifier: MIT
//
// A direction trained by gradient to read and to steer at once (rank-1
// representation finetuning, ReFT-r1: Wu et al. 2025, AxBench, arXiv
// 2501.17148; as in its code stanfordnlp/axbench, models/lsreft.py). The model
// stays frozen; at one layer, for each text y with the behaviour,
//
//   a_i   = ReLU(h_i . w),  |w| = 1        what token i holds of the direction
//   m     = mean of the k largest a_i of the text
//   h_i'  = h_i + m w
//
//   min_w  - mean log p(y_t | y_<t, h')
//          + (s / S) lambda mean over texts (1/T sum_{i not in top k} a_i / n)
//
// with s of S steps done, T the text's tokens, n the layer's mean residual
// norm. No bias: the published code has one and never reads it. The gradient
// along w is taken off, w is brought back to norm 1 after each step, and the
// learning rate falls linearly to 0.
//
// Otherwise than there: h' is written from the last token of the prompt on, as
// a sweep does by default (there: every token); the penalty is a share of n, so
// that one lambda serves all layers and models; and of w and -w it starts from
// the one that the texts hold more of, since a ReLU that is 0 everywhere has no
// gradient.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/progress.h"
#include "veer/model/transformer.h"
#include "veer/train/direction_training.h"

namespace veer {

struct ReftOptions {
  std::int64_t layer = 0;
  std::int64_t steps = 60;
  std::int64_t batch = 8;  // texts in a step
  // k; a text with fewer tokens after its first uses all.
  std::int64_t top_k = 8;
  double l1 = 0.005;  // lambda
  // AdamW's, of w in units of 1 / sqrt(width), the size of one element.
  double learning_rate = 0.3;
  double norm = 1.0;  // n: mean norm of the residual stream at the layer
  std::uint64_t seed = 0;
};

struct ReftDirection {
  at::Tensor direction_D;      // fp32, residual units: w times mean m
  std::vector<double> losses;  // per step, with the penalty
  double latent = 0.0;         // mean m over all texts, residual units
  // Mean change of log p(answer) over all texts when m w is added; nats.
  double gain = 0.0;
};

// The loss of one batch at w (unit_D [D], fp32, on the model's device), with
// `penalty_share` = s / S. A scalar, differentiable in unit_D.
at::Tensor reft_loss(const Transformer& model, const AnswerBatch& texts,
                     const at::Tensor& unit_D, const ReftOptions& options,
                     double penalty_share);

// Same texts, options and threads: same bytes on a CPU. Throws Error{kBadInput}
// for fewer than three texts, an answer without a token, a layer the model does
// not have, no step or k below 1, Error{kFailed} when the loss is not finite
// or no token of any text holds a positive share of w.
ReftDirection train_reft_direction(const Transformer& model,
                                   std::span<const AnsweredPrompt> texts,
                                   const ReftOptions& options,
                                   const Monitor& monitor);

}  // namespace veer
