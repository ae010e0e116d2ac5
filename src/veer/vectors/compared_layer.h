// SPDX-License-Identifier: MIT
//
// One vector at one layer as the comparisons want it. Private to this folder.
#pragma once

#include "veer/vectors/compare.h"

namespace veer {

struct ComparedLayer {
  at::Tensor direction_D;     // fp64
  at::Tensor differences_ND;  // fp64, row n = question n
  // A sample of activations around their side's mean: every other question in
  // the first, the rest in the second.
  at::Tensor first_ND;
  at::Tensor second_ND;
  at::Tensor mean_D;  // of the activations
};

// Throws Error{kFailed} when a row is not finite.
ComparedLayer compared_layer(const ComparedVector& compared,
                             std::int64_t layer);

// At most this many rows of a side are in the sample.
inline constexpr std::int64_t kNullRowsPerSide = 128;

// Columns that NullDraws need for one or two such samples.
inline constexpr std::int64_t kNullColumns = 2 * kNullRowsPerSide + 4;

}  // namespace veer
