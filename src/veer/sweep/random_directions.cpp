// SPDX-License-Identifier: MIT
#include "veer/sweep/random_directions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include "veer/base/random.h"

namespace veer {
namespace {

at::Tensor normal_numbers(std::int64_t count, Random& random) {
  auto numbers = at::empty({count}, at::kDouble);
  double* out = numbers.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    // Through fp32, as these directions have been stored from the start.
    out[i] = static_cast<float>(random.normal());
  }
  return numbers;
}

// A layer without spread gives zero, and stays zero.
at::Tensor scaled_like(const at::Tensor& direction_D,
                       const at::Tensor& like_D) {
  const auto wanted = like_D.to(at::kDouble).norm();
  return (direction_D * (wanted / direction_D.norm().clamp_min(1e-300)))
      .to(at::kFloat);
}

}  // namespace

at::Tensor isotropic_directions(const at::Tensor& like_LD,
                                const std::string& name, std::uint64_t seed) {
  Random random(seed, name);
  std::vector<at::Tensor> layers;
  for (std::int64_t k = 0; k < like_LD.size(0); ++k) {
    layers.push_back(
        scaled_like(normal_numbers(like_LD.size(1), random), like_LD[k]));
  }
  return at::stack(layers).contiguous();
}

at::Tensor covariance_directions(const at::Tensor& like_LD,
                                 const VectorRows& rows,
                                 const std::string& name, std::uint64_t seed) {
  Random random(seed, name);
  std::vector<at::Tensor> layers;
  for (std::int64_t k = 0; k < like_LD.size(0); ++k) {
    const auto i = static_cast<std::size_t>(k);
    const auto around_mean = [](const at::Tensor& side_ND) {
      const auto wide_ND = side_ND.to(at::kDouble);
      return wide_ND - wide_ND.mean(0);
    };
    const auto centred_ND =
        at::cat({around_mean(rows.positive[i]), around_mean(rows.negative[i])});
    // The factor 1 / sqrt(n - 2) is lost in the scaling.
    const auto weights_N = normal_numbers(centred_ND.size(0), random);
    layers.push_back(scaled_like(centred_ND.t().mv(weights_N), like_LD[k]));
  }
  return at::stack(layers).contiguous();
}

}  // namespace veer
