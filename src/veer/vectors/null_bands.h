// SPDX-License-Identifier: MIT
//
// What cosines chance gives. Random directions z ~ N(0, S) with S the
// covariance of the activations at the site are z = Z'w / sqrt(N - 1), Z the
// centred rows and w ~ N(0, I); so every cosine goes through K = Z Z' and no
// D x D matrix is made.
#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace veer {

struct NullBand {
  double low = 0.0;  // 2.5 % and 97.5 % points for a two-sided 5 %
  double high = 0.0;
  std::optional<double> p;  // (1 + #{|null| >= |observed|}) / (draws + 1)
};

struct CovarianceNull {
  NullBand pair;                     // cos(z, z')
  NullBand with_a;                   // cos(a, z)
  NullBand with_b;                   // cos(b, z)
  double participation_ratio = 0.0;  // tr(S)^2 / tr(S^2)
  // The largest of the three p: the cosine is beyond chance only if it is so
  // under each.
  std::optional<double> p;
};

// Exact: for isotropic directions cos^2 ~ Beta(1/2, (D-1)/2).
NullBand isotropic_null(std::int64_t width, std::optional<double> observed,
                        double level = 0.95);

// Normal numbers for covariance_null, drawn once and used at every layer.
struct NullDraws {
  at::Tensor first_BN;
  at::Tensor second_BN;
};
NullDraws make_null_draws(std::int64_t draws, std::int64_t max_rows,
                          std::uint64_t seed);

// first_ND, second_ND: activations of different texts at the site, each minus
// its group's mean; at least 2 and at most as many rows as the draws have
// columns. z comes from the first and z' from the second set, so that noise of
// the estimated covariance does not widen the band. None when they have no
// spread or a vector is zero.
std::optional<CovarianceNull> covariance_null(const at::Tensor& first_ND,
                                              const at::Tensor& second_ND,
                                              const at::Tensor& a_D,
                                              const at::Tensor& b_D,
                                              std::optional<double> observed,
                                              const NullDraws& draws,
                                              double level = 0.95);

}  // namespace veer
