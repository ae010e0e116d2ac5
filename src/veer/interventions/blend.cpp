// SPDX-License-Identifier: MIT
#include "veer/interventions/blend.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr double kSmallest = 1e-12;

at::Tensor norms(const at::Tensor& vector_LD) {
  return vector_LD.norm(2, -1, /*keepdim=*/true);
}

// v / |v|, zero where v is zero.
at::Tensor unit(const at::Tensor& vector_LD) {
  const auto norm_L1 = norms(vector_LD);
  return at::where(norm_L1 > kSmallest,
                   vector_LD / norm_L1.clamp_min(kSmallest),
                   at::zeros_like(vector_LD));
}

void check(std::span<const at::Tensor> vectors_LD) {
  if (vectors_LD.empty()) {
    fail("blend", "no vectors", "at least one");
  }
  for (const auto& vector_LD : vectors_LD) {
    if (vector_LD.dim() != 2 ||
        vector_LD.sizes() != vectors_LD.front().sizes()) {
      fail("blend", "vectors of different shape",
           "directions of one model, [layers, width]");
    }
  }
}

// 1 where the vector has a direction, else 0.
at::Tensor is_there(const at::Tensor& vector_LD) {
  return (norms(vector_LD) > 0.0).to(at::kDouble);
}

}  // namespace

at::Tensor blend(std::span<const at::Tensor> vectors_LD,
                 std::span<const double> weights) {
  check(vectors_LD);
  if (weights.size() != vectors_LD.size()) {
    fail("blend",
         fmt::format("{} weights for {} vectors", weights.size(),
                     vectors_LD.size()),
         "one weight per vector");
  }
  auto sum_LD = at::zeros_like(vectors_LD.front(), at::kDouble);
  auto length_L1 = norms(sum_LD);
  auto there_L1 = length_L1 + 1.0;
  for (std::size_t i = 0; i < vectors_LD.size(); ++i) {
    const auto vector_LD = vectors_LD[i].to(at::kDouble);
    sum_LD = sum_LD + unit(vector_LD) * weights[i];
    length_L1 =
        length_L1 + norms(vector_LD) / static_cast<double>(vectors_LD.size());
    if (weights[i] != 0.0) {
      there_L1 = there_L1 * is_there(vector_LD);
    }
  }
  return (unit(sum_LD) * length_L1 * there_L1).to(at::kFloat);
}

VectorParts split_along(const at::Tensor& vector_LD,
                        const at::Tensor& other_LD) {
  const at::Tensor both[] = {vector_LD, other_LD};
  check(both);
  const auto v_LD = vector_LD.to(at::kDouble);
  const auto u_LD = unit(other_LD.to(at::kDouble));
  const auto parallel_LD = u_LD * (u_LD * v_LD).sum(-1, /*keepdim=*/true);
  return {parallel_LD.to(at::kFloat),
          ((v_LD - parallel_LD) * is_there(other_LD)).to(at::kFloat)};
}

at::Tensor orthonormal_basis(std::span<const at::Tensor> vectors_LD) {
  check(vectors_LD);
  std::vector<at::Tensor> basis;
  for (const auto& vector_LD : vectors_LD) {
    const auto start_LD = vector_LD.to(at::kDouble);
    auto rest_LD = start_LD;
    for (int pass = 0; pass < 2; ++pass) {
      for (const auto& known_LD : basis) {
        rest_LD =
            rest_LD - known_LD * (known_LD * rest_LD).sum(-1, /*keepdim=*/true);
      }
    }
    const bool independent =
        (norms(rest_LD) > norms(start_LD) * 1e-6).all().item<bool>();
    if (!independent) {
      fail("orthonormal basis",
           fmt::format("vector {} depends on those before it", basis.size()),
           "independent directions at every layer");
    }
    basis.push_back(rest_LD / norms(rest_LD));
  }
  return at::stack(basis, 1).to(at::kFloat).contiguous();
}

}  // namespace veer
