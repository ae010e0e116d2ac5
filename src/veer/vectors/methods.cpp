// SPDX-License-Identifier: MIT
#include "veer/vectors/methods.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_eigh.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/vectors/logistic_probe.h"
#include "veer/vectors/shrunk_covariance.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

at::Tensor mean_difference(const TwoSides& sides) {
  return (sides.positive_ND - sides.negative_ND).mean(0);
}

FittedDirection mean_diff(const TwoSides& sides, const MethodOptions&) {
  return {mean_difference(sides), {}};
}

FittedDirection single_pair(const TwoSides& sides, const MethodOptions&) {
  return {sides.positive_ND.select(0, 0) - sides.negative_ND.select(0, 0), {}};
}

// Right singular vectors of the rows, largest first, with their squared
// singular values. Works on the smaller of the two Gram matrices.
std::pair<at::Tensor, at::Tensor> right_singular(const at::Tensor& rows_ND,
                                                 std::int64_t r) {
  const bool in_items = rows_ND.size(0) < rows_ND.size(1);
  const auto gram =
      in_items ? rows_ND.mm(rows_ND.t()) : rows_ND.t().mm(rows_ND);
  const auto [values, vectors] = at::linalg_eigh(gram);
  r = std::min(r, values.size(0));
  const auto top = values.flip(0).narrow(0, 0, r);
  const auto axes = vectors.flip(1).narrow(1, 0, r).t();  // [r, .]
  auto directions_RD = in_items ? axes.mm(rows_ND) : axes.contiguous();
  directions_RD = directions_RD /
                  directions_RD.norm(2, 1, /*keepdim=*/true).clamp_min(1e-300);
  return {directions_RD, top};
}

// First principal component of `rows_ND`, oriented along the mean difference
// and of unit norm.
FittedDirection component(const at::Tensor& rows_ND, const TwoSides& sides) {
  const double total = rows_ND.square().sum().item<double>();
  if (!(total > 0.0)) {
    fail("principal component", "rows without any spread",
         "differences that vary between questions");
  }
  auto [directions_RD, values_R] = right_singular(rows_ND, 1);
  auto direction_D = directions_RD.select(0, 0);
  if (direction_D.dot(mean_difference(sides)).item<double>() < 0.0) {
    direction_D = -direction_D;
  }
  return {direction_D, values_R[0].item<double>() / total};
}

FittedDirection pca_diff(const TwoSides& sides, const MethodOptions&) {
  const auto d_ND = sides.positive_ND - sides.negative_ND;
  return component(d_ND - d_ND.mean(0), sides);
}

FittedDirection pca_uncentred(const TwoSides& sides, const MethodOptions&) {
  return component(sides.positive_ND - sides.negative_ND, sides);
}

FittedDirection pca_lat(const TwoSides& sides, const MethodOptions& options) {
  const auto d_ND = sides.positive_ND - sides.negative_ND;
  const auto norms_N1 = d_ND.norm(2, 1, /*keepdim=*/true).clamp_min(1e-300);
  Random random(static_cast<std::uint64_t>(options.seed), "pca_lat");
  std::vector<double> signs;
  for (std::int64_t i = 0; i < d_ND.size(0); ++i) {
    signs.push_back(random.chance(0.5) ? 1.0 : -1.0);
  }
  const auto rows_ND = d_ND / norms_N1 * from_vector(signs).unsqueeze(1);
  return component(rows_ND - rows_ND.mean(0), sides);
}

FittedDirection pca_center(const TwoSides& sides, const MethodOptions&) {
  const auto half_ND = (sides.positive_ND - sides.negative_ND) / 2.0;
  return component(at::cat({half_ND, -half_ND}), sides);
}

FittedDirection logistic(const TwoSides& sides, const MethodOptions& options) {
  return {logistic_direction(sides.positive_ND, sides.negative_ND, options.l2),
          {}};
}

at::Tensor within_sides(const TwoSides& sides) {
  return at::cat({sides.positive_ND - sides.positive_ND.mean(0),
                  sides.negative_ND - sides.negative_ND.mean(0)});
}

FittedDirection mass_mean(const TwoSides& sides, const MethodOptions& options) {
  const ShrunkCovariance covariance(within_sides(sides), options.shrinkage);
  return {covariance.solve(mean_difference(sides)), {}};
}

FittedDirection mean_centred(const TwoSides& sides, const MethodOptions&) {
  if (!sides.corpus_mean_D.defined()) {
    fail("mean_centred", "no generic text", "the mean over a generic corpus");
  }
  return {sides.positive_ND.mean(0) - sides.corpus_mean_D, {}};
}

// The controls have the norm of the mean difference, so that equal scales are
// equal displacements.
FittedDirection of_same_norm(const at::Tensor& direction_D,
                             const TwoSides& sides) {
  const double size = direction_D.norm().item<double>();
  if (!(size > 0.0)) {
    fail("random control", "a direction of norm zero",
         "activations that vary between questions");
  }
  return {direction_D * (mean_difference(sides).norm().item<double>() / size),
          {}};
}

std::uint64_t layer_seed(const TwoSides& sides, const MethodOptions& options) {
  return Random(static_cast<std::uint64_t>(options.seed),
                fmt::format("control layer {}", sides.layer))
      .next();
}

FittedDirection random_isotropic(const TwoSides& sides,
                                 const MethodOptions& options) {
  const auto z_1D =
      normal_matrix(1, sides.positive_ND.size(1), layer_seed(sides, options));
  return of_same_norm(z_1D.select(0, 0), sides);
}

FittedDirection random_covariance(const TwoSides& sides,
                                  const MethodOptions& options) {
  const auto z_ND = within_sides(sides);
  const auto w_1N = normal_matrix(1, z_ND.size(0), layer_seed(sides, options));
  return of_same_norm(w_1N.mm(z_ND).select(0, 0), sides);
}

FittedDirection random_labels(const TwoSides& sides,
                              const MethodOptions& options) {
  // One set of labels for all layers: a shuffled data set, not noise per
  // layer.
  Random random(static_cast<std::uint64_t>(options.seed), "shuffled labels");
  // Labels that are all kept or all swapped are the direction itself, no
  // control of it: drawn again.
  std::vector<double> signs(sides.positive_ND.size(0), 1.0);
  while (std::adjacent_find(signs.begin(), signs.end(),
                            std::not_equal_to<>()) == signs.end()) {
    for (double& sign : signs) {
      sign = random.chance(0.5) ? 1.0 : -1.0;
    }
  }
  const auto d_ND = sides.positive_ND - sides.negative_ND;
  return of_same_norm((d_ND * from_vector(signs).unsqueeze(1)).mean(0), sides);
}

FittedDirection random_difference(const TwoSides& sides,
                                  const MethodOptions& options) {
  const std::int64_t n = sides.positive_ND.size(0);
  Random random(static_cast<std::uint64_t>(options.seed), "random pairs");
  const auto& rows_ND = sides.negative_ND;
  std::vector<double> weights(static_cast<std::size_t>(n), 0.0);
  for (std::int64_t k = 0; k < n; ++k) {
    const auto i = random.below(static_cast<std::uint64_t>(n));
    auto j = random.below(static_cast<std::uint64_t>(n - 1));
    j += j >= i ? 1 : 0;
    weights[i] += 1.0;
    weights[j] -= 1.0;
  }
  return of_same_norm(rows_ND.t().mv(from_vector(weights)), sides);
}

constexpr std::int64_t kManyItems = 8;  // below it a spread means nothing

const std::array kMethods = {
    Method{"mean_diff", 1, "mean of the differences", mean_diff},
    Method{"single_pair", 1, "the first pair alone", single_pair},
    Method{"pca_diff", kManyItems, "first component of centred differences",
           pca_diff},
    Method{"pca_uncentred", kManyItems,
           "first right singular vector of the differences", pca_uncentred},
    Method{"pca_lat", kManyItems,
           "first component of normalised differences with random signs",
           pca_lat},
    Method{"pca_center", kManyItems,
           "first component of both sides around their pair's mean",
           pca_center},
    Method{"logistic", kManyItems, "weights of a logistic probe", logistic},
    Method{"mass_mean", kManyItems,
           "mean difference through the inverse within-class covariance",
           mass_mean},
    Method{"mean_centred", 1, "positive side minus the mean of generic text",
           mean_centred},
    Method{"random_isotropic", 1, "control: a random direction",
           random_isotropic},
    Method{"random_covariance", 3,
           "control: random with the covariance of the activations",
           random_covariance},
    Method{"random_labels", 3, "control: sides swapped at random",
           random_labels},
    Method{"random_difference", 3,
           "control: differences of unrelated activations", random_difference},
};

void check_sides(const Method& method, const TwoSides& sides) {
  const auto& p = sides.positive_ND;
  const auto& n = sides.negative_ND;
  if (p.dim() != 2 || p.sizes() != n.sizes()) {
    fail("fit " + method.name, "sides of different shapes",
         "[N, D] each, row n from the same question");
  }
  if (p.size(0) < method.min_items) {
    fail("fit " + method.name, fmt::format("{} items", p.size(0)),
         fmt::format("at least {}", method.min_items));
  }
  require_finite(p, "activations of the positive side");
  require_finite(n, "activations of the negative side");
  if (method.fit != mean_diff && p.equal(n)) {
    fail("fit " + method.name, "identical sides", "sides that differ",
         "both sides use the same text and model");
  }
}

}  // namespace

std::span<const Method> methods() {
  return kMethods;
}

const Method& find_method(std::string_view name) {
  std::string names;
  for (const auto& method : kMethods) {
    if (method.name == name) {
      return method;
    }
    names += (names.empty() ? "" : ", ") + method.name;
  }
  fail("find method", fmt::format("\"{}\"", name), "one of " + names);
}

FittedDirection fit_direction(const Method& method, const TwoSides& sides,
                              const MethodOptions& options) {
  check_sides(method, sides);
  auto fitted = method.fit(sides, options);
  require_finite(fitted.direction_D, "direction");
  return fitted;
}

at::Tensor difference_subspace(const at::Tensor& differences_ND,
                               std::int64_t r) {
  auto [directions_RD, values_R] = right_singular(differences_ND, r);
  const double largest = values_R.max().item<double>();
  const auto rank = (values_R > 1e-12 * largest).sum().item<std::int64_t>();
  return directions_RD.narrow(0, 0, largest > 0.0 ? rank : 0).contiguous();
}

}  // namespace veer
