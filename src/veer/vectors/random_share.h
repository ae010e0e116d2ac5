// SPDX-License-Identifier: MIT
//
// What a share of squared length outside a direction is for a random one:
// without it nobody knows whether 95 % is much.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/vectors/compare.h"

namespace veer {

// 1 - cos^2 of `direction_D` with random directions that have the covariance of
// the vector's activations at the layer, one per draw [B]; the draws are the
// same at every layer and in every run (null_bands.h). Empty where the
// activations have no spread or the direction no length.
at::Tensor random_shares_outside(const ComparedVector& vector,
                                 const at::Tensor& direction_D,
                                 std::int64_t layer);

// Mean over layers, draw by draw: the mean of the draws and what 95 of 100 of
// them lie between. n is their number. Not established without a layer.
Measure random_share(const std::vector<at::Tensor>& by_layer_B);

}  // namespace veer
