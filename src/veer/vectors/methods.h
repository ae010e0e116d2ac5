// SPDX-License-Identifier: MIT
//
// Ways to turn the rows of two sides into one direction. Sources: methods are
// named as in docs/methods/extraction.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace veer {

struct MethodOptions {
  // L2 penalty of the logistic probe on standardised rows (scikit-learn's C
  // is 1 / (2 * l2 * rows)).
  double l2 = 0.01;
  // Share of the shrinkage target in the covariance of mass_mean; < 0 = by
  // Ledoit and Wolf.
  double shrinkage = -1.0;
  // Draws of the random methods; order of items for pca_lat.
  std::int64_t seed = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("l2", self.l2, "penalty of the logistic probe");
    field("shrinkage", self.shrinkage, "of mass_mean, < 0 = Ledoit-Wolf");
    field("seed", self.seed, "of random methods");
  }
};

// Rows [N, D] fp64 of the two sides at one site; row n of both is question n.
struct TwoSides {
  at::Tensor positive_ND;
  at::Tensor negative_ND;
  // Mean over generic text [D] (mean_centred only).
  at::Tensor corpus_mean_D;
  std::int64_t layer = 0;  // separates the random draws of layers
};

struct FittedDirection {
  at::Tensor direction_D;  // fp64, residual units of the method
  // Share of the variance the component explains (PCA).
  std::optional<double> explained;
};

struct Method {
  std::string name;
  std::int64_t min_items = 1;
  std::string help;
  FittedDirection (*fit)(const TwoSides&, const MethodOptions&);
};

// mean_diff, single_pair, pca_diff, pca_uncentred, pca_lat, pca_center,
// logistic, mass_mean, mean_centred, and the controls, each of the norm of the
// mean difference: random_isotropic, random_covariance, random_labels,
// random_difference. Directions are oriented along the mean difference.
std::span<const Method> methods();
const Method& find_method(std::string_view name);

// Fits; throws Error{kBadInput} if there are fewer items than the method
// needs, shapes differ, or both sides are the same; Error{kFailed} if a row is
// not finite. mean_diff alone accepts identical sides and returns zeros.
FittedDirection fit_direction(const Method& method, const TwoSides& sides,
                              const MethodOptions& options = {});

// Orthonormal rows [r, D]: top right singular vectors of the differences, not
// centred. r is lowered to the rank.
at::Tensor difference_subspace(const at::Tensor& differences_ND,
                               std::int64_t r);

}  // namespace veer
