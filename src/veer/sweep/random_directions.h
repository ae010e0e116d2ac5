// SPDX-License-Identifier: MIT
//
// Directions that mean nothing, as controls of those that should.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/vectors/vector_rows.h"

namespace veer {

// [L, D] of normal numbers from (seed, name), at every layer scaled to the
// norm of `like_LD`.
at::Tensor isotropic_directions(const at::Tensor& like_LD,
                                const std::string& name, std::uint64_t seed);

// The same with the covariance of the activations that `rows` hold, each side
// around its own mean: Z'w / sqrt(n - 2) with w normal, so that massive
// dimensions and the shape of the stream are those of real states. Around a
// common mean the difference of the sides, the very vector that these stand
// beside, would be one of their directions.
at::Tensor covariance_directions(const at::Tensor& like_LD,
                                 const VectorRows& rows,
                                 const std::string& name, std::uint64_t seed);

}  // namespace veer
