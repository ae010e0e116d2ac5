// SPDX-License-Identifier: MIT
//
// The part of the cross-item cosine's error that belongs to pairs of items, not
// to single items.
//
// C / sqrt(A B) is a function of three U-statistics of order two with the
// kernels x_i.y_j, x_i.x_j, y_i.y_j. Each kernel splits into mean, effects of
// the single items, and a residual r_ij of the pair (Hoeffding); for noisy
// rows of high dimension the residuals dominate. From their products follow
//
//   Cov(U, U') = sum_{i<j} r_ij r'_ij         (pair part)
//
// and by expansion to second order the bias of the cosine. Of units of several
// questions (ItemUnion's counts) the kernels are of the units' means, and a
// residual counts as often as there are pairs of their questions.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "veer/vectors/item_statistics.h"

namespace veer {

// The residuals of the cosine itself, to first order, are a symmetric matrix R
// with tr(R^2) / 2 the pairs' part of the variance. Its effective rank
// tr(R^2)^2 / tr(R^4) counts the dimensions that the noise of the pairs fills:
// about N / 2 of its sample for flat noise in many dimensions, near 1 when one
// dimension holds it all.
struct PairEffects {
  double bias = 0.0;
  double effective_rank = 0.0;  // 0 without residuals
  // The pairs' part of the variance of a / a0 - b / b0.
  double length_difference = 0.0;
  // Residuals of product and length, relative to the lengths of all items, and
  // whose they are: the part of ErrorParts that belongs to pairs.
  at::Tensor product_MM, length_MM;
  at::Tensor items_M, scale_M;
};

// theta = the cosine, a and b = the unbiased squared norms. Pairs are taken of
// at most `max_items` items of each kind (in both, only in x, only in y),
// evenly spread, and scaled up.
PairEffects pair_effects(const at::Tensor& x_ND, const at::Tensor& y_MD,
                         const ItemUnion& items, double theta, double a,
                         double b, std::int64_t max_items);

// Share of the pair part that is taken off the jackknife's bias, 0 to 1:
// 1 - 1 / rank^2. All of it is right to second order, which suffices when many
// dimensions average out; with few, the third order fills the gap. The form was
// found by simulation (benchmarks/calibration), not derived.
double pair_bias_share(double effective_rank);

}  // namespace veer
