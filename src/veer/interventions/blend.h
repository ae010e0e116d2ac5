// SPDX-License-Identifier: MIT
//
// Vectors made of vectors, layer by layer, before any operator sees them.
#pragma once

#include <span>

#include <ATen/core/Tensor.h>

namespace veer {

// sum_i w_i u_i with u_i = v_i / |v_i|, renormalised to the mean norm of the
// v_i at that layer. vectors: each [L, D]; a layer where a vector with a weight
// has no direction or the blend cancels out is zero (no direction).
// Throws Error on none, different shapes, or a weight missing.
at::Tensor blend(std::span<const at::Tensor> vectors_LD,
                 std::span<const double> weights);

// v split by another vector (Gram-Schmidt): v = parallel + perpendicular,
// parallel along `other`. Both parts are zero at a layer that one of the two
// does not have.
struct VectorParts {
  at::Tensor parallel_LD;
  at::Tensor perpendicular_LD;
};
VectorParts split_along(const at::Tensor& vector_LD,
                        const at::Tensor& other_LD);

// Orthonormal basis [L, K, D] of the vectors at each layer, in their order
// (twice through Gram-Schmidt, fp64). Throws Error where they are dependent
// to 1e-6.
at::Tensor orthonormal_basis(std::span<const at::Tensor> vectors_LD);

}  // namespace veer
