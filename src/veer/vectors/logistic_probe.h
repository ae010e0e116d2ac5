// SPDX-License-Identifier: MIT
//
// Logistic regression on standardised rows, by Newton's method to the
// optimum:
//
//   min_{w, b} mean_i log(1 + exp(-y_i (w.z_i + b))) + l2 |w|^2
//
// z = (h - mean) / sd over both sides. With fewer rows than dimensions the
// problem is solved in the span of the rows, where the optimum lies. The
// direction in activation space is w / sd.
#pragma once

#include <ATen/core/Tensor.h>

namespace veer {

// Rows [N, D] fp64. Returns [D], pointing to the positive side. Throws
// Error{kBadInput} if l2 <= 0 (separable data have no optimum without it) or
// no dimension varies.
at::Tensor logistic_direction(const at::Tensor& positive_ND,
                              const at::Tensor& negative_ND, double l2);

}  // namespace veer
