// SPDX-License-Identifier: MIT
//
// The elementwise parts of a block. Each has a plain form made of ATen calls
// (`plain::`), which runs on every device and dtype and is the reference of
// the tests, and for fp32 on a CPU a fused kernel with its own derivative. On a
// card some take fewer ATen calls (`card::`).
// Below fp32 they round where transformers rounds: the norm computes in fp32,
// the product of gate and up in the dtype of the input, the rotation in the
// wider dtype of input and table. A card's norm alone rounds less often. All
// record gradients. Results are the same bits for the same input and number of
// threads.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "veer/model/config.h"
#include "veer/model/rope.h"

namespace veer::ops {

// w * x / sqrt(mean(x^2) + eps) over the last axis, in x's dtype, or with 1 + w
// for w: see RmsNormKind.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind);

// Weights as the fused product reads them, kept so that no product need turn
// them again: their memory once more.
struct TurnedWeights {
  at::Tensor panels;  // undefined: nothing kept
  // Of the weights when they were turned; changed weights are turned anew at
  // each product.
  std::int64_t version = 0;
};

// Nothing where no fused product would read them (not fp32 on a CPU with AVX2
// or AVX-512) or a gradient of them is asked for.
TurnedWeights turned(const at::Tensor& weight_OI);

// x [T, I] times weight [O, I] turned, plus bias [O] (may be undefined). The
// fused form needs AVX2 or AVX-512; its result for a row is the same bits
// whatever rows stand beside it, from four rows on, and of any number where the
// weights are `kept` turned.
at::Tensor linear(const at::Tensor& x_TI, const at::Tensor& weight_OI,
                  const at::Tensor& bias_O = {},
                  const TurnedWeights& kept = {});

// act(gate) * up.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation);

// Turns the heads of x [T, heads, head width] by their tokens' angles.
at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table);

namespace plain {

at::Tensor linear(const at::Tensor& x_TI, const at::Tensor& weight_OI,
                  const at::Tensor& bias_O = {});
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind);
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation);
at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table);

}  // namespace plain

namespace card {

// One call of torch's, rounded once: not before the unit vector meets the
// weight.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind);
// gated(), written over `gate`. Without gradients.
void gate_in_place(at::Tensor& gate, const at::Tensor& up,
                   Activation activation);
// With the table's turns of whole heads.
at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table);
// Without gradients.
void rotate_in_place(at::Tensor& x_TNH, const RopeTable& table);

// For gradients: keeps gate and up, not act(gate).
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation);

}  // namespace card
}  // namespace veer::ops
