// SPDX-License-Identifier: MIT
//
// Beyond one angle: subspaces of the differences, similarity of their
// configurations, massive dimensions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/vectors/item_statistics.h"

namespace veer {

struct SubspaceComparison {
  // Cosines of the principal angles, largest first; 1 = a shared direction.
  std::vector<double> principal_cosines;
  // Share of one mean's squared length inside the other's subspace.
  std::optional<double> energy_of_b_in_a;
  std::optional<double> energy_of_a_in_b;
};

// Top-`rank` right singular vectors of the rows of X and of Y, taken from
// different items (split by a hash of the id), so that shared noise makes no
// angle. Empty when a half has fewer than rank + 1 items.
SubspaceComparison compare_subspaces(const at::Tensor& x_ND,
                                     std::span<const std::string> x_ids,
                                     const at::Tensor& y_MD,
                                     std::span<const std::string> y_ids,
                                     std::int64_t rank);

// Debiased linear CKA (Song et al. 2012's unbiased HSIC) of the rows of the
// common items (at most 256 of them); the plain form is near 1 for pure noise
// when D > N. None with fewer than 4 common items or without spread.
std::optional<double> debiased_cka(const at::Tensor& x_ND,
                                   const at::Tensor& y_MD,
                                   const ItemUnion& items);

// 0/1 mask [D]: 1 where |mean activation| is at most 20 times its median over
// the dimensions.
at::Tensor ordinary_dimensions(const at::Tensor& mean_activation_D);

}  // namespace veer
