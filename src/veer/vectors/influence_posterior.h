// SPDX-License-Identifier: MIT
//
// What single items do to a U-statistic of order two, without the noise of the
// pairs.
//
// The influences that a jackknife sees are l^ = l + e: the items' own effects
// l, and e ~ N(0, R^2) from the residuals R of the pairs, because each item
// was paired with just these others. Where the noise fills many dimensions
// nearly all of l^ is e, and a bootstrap from l^ would count the pairs once too
// often. Empirical Bayes takes e out (Efron and Morris 1973): in the basis of
// R's eigenvectors
//
//   l^_k ~ N(0, tau_k + e_k),   tau_k = scale e_k^(exponent / 2)
//
// e_k: squared eigenvalues of R, drawn to their mean by what those of a sample
// spread although the true ones do not (Ledoit and Wolf 2004). With
// r = tr(R^2)^2 / tr(R^4) the second and fourth moments give the share
// r / (M - r): all of it for flat noise, where r = M / 2 (semicircle). Scale
// and exponent have a posterior on a grid. Exponent 1 is a mean that prefers no
// dimension, 2 one that lies where the noise is.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// For a grid of G scales and exponents: l_k given l^ is
// N(keep_k l^_k, spread_k^2).
struct InfluencePosterior {
  at::Tensor basis_MM;            // columns = eigenvectors of R
  at::Tensor eigenvalues_M;       // of R
  at::Tensor keep_GM, spread_GM;  // 0 <= keep <= 1
  // Which of the grid each draw takes: as many as its posterior weight.
  std::vector<std::int64_t> entries;
};

// influences [M] and residuals [M, M] (symmetric, rows summing to 0) fp64. The
// part of the influences that all items share is no effect and gets keep 0.
// Without residuals all is kept.
InfluencePosterior influence_posterior(const at::Tensor& influences_M,
                                       const at::Tensor& residuals_MM,
                                       std::int64_t draws);

}  // namespace veer
