// SPDX-License-Identifier: MIT
#include "veer/vectors/influence_posterior.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/zeros.h>

#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Scales relative to the one that would make all of the influences effects:
// e^-6 to e^3 in steps of a quarter, and none at all.
std::vector<double> relative_scales() {
  std::vector<double> scales = {0.0};
  for (double log_scale = -6.0; log_scale <= 3.0; log_scale += 0.25) {
    scales.push_back(std::exp(log_scale));
  }
  return scales;
}

// Energy of the pairs' noise in each eigenvector.
at::Tensor noise_energies(const at::Tensor& eigenvalues_K) {
  const auto squares_K = eigenvalues_K.square();
  const auto size = static_cast<double>(squares_K.size(0));
  const double sum = squares_K.sum().item<double>();
  const double rank = sum * sum / squares_K.square().sum().item<double>();
  const double share = rank < size / 2.0 ? rank / (size - rank) : 1.0;
  return squares_K * (1.0 - share) + share * sum / size;
}

// tau of every scale and exponent [G, K].
at::Tensor effect_energies(const at::Tensor& squares_K,
                           const at::Tensor& noise_K) {
  const auto scales_S1 = from_vector(relative_scales()).unsqueeze(1);
  std::vector<at::Tensor> grid;
  for (const double exponent : {1.0, 1.5, 2.0}) {
    const auto shape_K = at::pow(noise_K / noise_K.mean(), 0.5 * exponent);
    grid.push_back(scales_S1 * shape_K * (squares_K.sum() / shape_K.sum()));
  }
  return at::cat(grid);
}

std::vector<std::int64_t> entries_of_draws(const at::Tensor& log_likelihood_G,
                                           std::int64_t draws) {
  const auto weights =
      to_vector((log_likelihood_G - log_likelihood_G.max()).exp().cumsum(0));
  std::vector<std::int64_t> entries;
  std::size_t entry = 0;
  for (std::int64_t b = 0; b < draws; ++b) {
    const double place = (static_cast<double>(b) + 0.5) /
                         static_cast<double>(draws) * weights.back();
    while (entry + 1 < weights.size() && weights[entry] < place) {
      ++entry;
    }
    entries.push_back(static_cast<std::int64_t>(entry));
  }
  return entries;
}

// The common direction is made an eigenvector of its own, the last.
at::Tensor with_common_direction_last(const at::Tensor& residuals_MM) {
  const auto size = static_cast<double>(residuals_MM.size(0));
  const double beyond = 2.0 * residuals_MM.norm().item<double>() + 1e-300;
  return residuals_MM + beyond / size;
}

// A last entry of zero for the common direction.
at::Tensor with_zero_last(const at::Tensor& x) {
  auto sizes = x.sizes().vec();
  sizes.back() = 1;
  return at::cat({x, at::zeros(sizes, x.options())}, -1);
}

}  // namespace

InfluencePosterior influence_posterior(const at::Tensor& influences_M,
                                       const at::Tensor& residuals_MM,
                                       std::int64_t draws) {
  const auto size = influences_M.size(0);
  const auto options = influences_M.options();
  if (!(residuals_MM.square().sum().item<double>() > 0.0)) {
    return {at::eye(size, options), at::zeros({size}, options),
            at::ones({1, size}, options), at::zeros({1, size}, options),
            std::vector<std::int64_t>(static_cast<std::size_t>(draws), 0)};
  }
  const auto [values_M, basis_MM] =
      at::linalg_eigh(with_common_direction_last(residuals_MM));
  const auto values_K = values_M.narrow(0, 0, size - 1);
  const auto noise_K = noise_energies(values_K);
  const auto squares_K =
      basis_MM.t().mv(influences_M).square().narrow(0, 0, size - 1);
  const auto effects_GK = effect_energies(squares_K, noise_K);
  const auto total_GK = effects_GK + noise_K;
  const auto log_likelihood_G =
      -0.5 * (at::log(total_GK) + squares_K / total_GK).sum(1);
  const auto keep_GK = effects_GK / total_GK;
  return {basis_MM, with_zero_last(values_K), with_zero_last(keep_GK),
          with_zero_last((keep_GK * noise_K).sqrt()),
          entries_of_draws(log_likelihood_G, draws)};
}

}  // namespace veer
