// SPDX-License-Identifier: MIT
//
// A linear layer on a card with a pair that is being trained:
//
//   y = W x + s B A' x,  A' x over the elements of x that dropout leaves
//
// in the dtype of W (fp32 factors are rounded for the product, as torch's
// autocast does; sums inside a product are fp32), ten launches with gradients
// against eighteen of torch's own record, and nothing kept but x and A x. The
// gradients of A and B are fp32 products.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"

namespace veer {

// What a pass does with a pair.
struct TrainedPass {
  double strength = 1.0;  // times the pair's scale; not 0
  double dropout = 0.0;
  std::uint64_t dropout_seed = 0;  // of this layer and pass
};

// [T, I] -> [T, O] in x's dtype. bias_O may be undefined. Records gradients of
// x, A and B where they are recorded.
at::Tensor linear_trained(const at::Tensor& x_TI, const at::Tensor& weight_OI,
                          const at::Tensor& bias_O, const LoraPair& pair,
                          const TrainedPass& pass);

}  // namespace veer
