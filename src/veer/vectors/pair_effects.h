// SPDX-License-Identifier: MIT
//
// The part of the cross-item cosine's variance and bias that belongs to pairs
// of items, not to single items.
//
// C / sqrt(A B) is a function of three U-statistics of order two with the
// kernels x_i.y_j, x_i.x_j, y_i.y_j. Each kernel splits into mean, effects of
// the single items, and a residual r_ij of the pair (Hoeffding); for noisy
// rows of high dimension the residuals dominate. From their products follow
//
//   Cov(U, U') = sum_{i<j} r_ij r'_ij         (pair part)
//
// and by expansion to second order the variance and bias of the cosine.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "veer/vectors/item_statistics.h"

namespace veer {

struct PairEffects {
  double variance = 0.0;
  double bias = 0.0;
};

// theta = the cosine, a and b = the unbiased squared norms. Pairs are taken of
// at most `max_items` items of each kind (in both, only in x, only in y),
// evenly spread, and scaled up.
PairEffects pair_effects(const at::Tensor& x_ND, const at::Tensor& y_MD,
                         const ItemUnion& items, double theta, double a,
                         double b, std::int64_t max_items);

}  // namespace veer
