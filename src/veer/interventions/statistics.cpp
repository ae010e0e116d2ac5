// SPDX-License-Identifier: MIT
#include "veer/interventions/statistics.h"

#include <algorithm>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/vectors/methods.h"
#include "veer/vectors/shrunk_covariance.h"

namespace veer {
namespace {

constexpr double kRidge = 1e-3;

void check_shape(const SteeringInput& input, const VectorRows& rows) {
  const bool fits =
      rows.num_layers() == input.directions_LD.size(0) &&
      rows.num_items() > 0 &&
      rows.positive.front().size(1) == input.directions_LD.size(1);
  if (!fits) {
    fail(fmt::format("statistics of {}", input.name),
         "rows of another number of layers or width",
         "the rows that the vector was made of");
  }
}

at::Tensor mean_of(const at::Tensor& rows_ND) {
  return rows_ND.to(at::kDouble).mean(0);
}

void add_class_means(SteeringInput& input, const VectorRows& rows) {
  std::vector<at::Tensor> negative;
  std::vector<at::Tensor> positive;
  for (std::int64_t k = 0; k < rows.num_layers(); ++k) {
    negative.push_back(mean_of(rows.negative[static_cast<std::size_t>(k)]));
    positive.push_back(mean_of(rows.positive[static_cast<std::size_t>(k)]));
  }
  input.negative_mean_LD = at::stack(negative).to(at::kFloat);
  input.positive_mean_LD = at::stack(positive).to(at::kFloat);
}

void add_leace(SteeringInput& input, const VectorRows& rows, double shrinkage) {
  std::vector<at::Tensor> read;
  std::vector<at::Tensor> means;
  for (std::int64_t k = 0; k < rows.num_layers(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    const auto all_ND =
        at::cat({rows.positive[i], rows.negative[i]}).to(at::kDouble);
    const auto mean_D = all_ND.mean(0);
    const auto v_D = input.directions_LD[k].to(at::kDouble);
    // Without a direction nothing reads; compile() refuses that layer.
    read.push_back(v_D.norm().item<double>() > 0.0
                       ? ShrunkCovariance(all_ND - mean_D, shrinkage).solve(v_D)
                       : at::zeros_like(v_D));
    means.push_back(mean_D);
  }
  input.read_LD = at::stack(read).to(at::kFloat);
  input.mean_LD = at::stack(means).to(at::kFloat);
}

at::Tensor subspace_of(const VectorRows& rows, std::int64_t rank) {
  std::vector<at::Tensor> bases;
  std::int64_t least = rank;
  for (std::int64_t k = 0; k < rows.num_layers(); ++k) {
    bases.push_back(difference_subspace(rows.differences(k), rank));
    if (bases.back().size(0) > 0) {
      least = std::min(least, bases.back().size(0));
    }
  }
  // A layer where nothing was extracted has no difference, takes no part in an
  // edit, and must not take the others their directions.
  for (auto& basis_KD : bases) {
    basis_KD = basis_KD.size(0) > 0
                   ? basis_KD.narrow(0, 0, least)
                   : at::zeros({least, basis_KD.size(1)}, basis_KD.options());
  }
  return at::stack(bases).to(at::kFloat).contiguous();
}

void add_subspace(SteeringInput& input, const VectorRows& rows,
                  std::int64_t rank) {
  if (!input.basis_LKD.defined()) {
    input.basis_LKD = subspace_of(rows, rank);
  }
}

// Least squares of y = A x + b with a ridge in units of x's mean variance.
struct AffineMap {
  at::Tensor A_KK;
  at::Tensor b_K;
};
AffineMap affine_map(const at::Tensor& x_NK, const at::Tensor& y_NK) {
  const auto x_mean_K = x_NK.mean(0);
  const auto y_mean_K = y_NK.mean(0);
  const auto x = x_NK - x_mean_K;
  const auto y = y_NK - y_mean_K;
  auto gram_KK = x.t().mm(x);
  const double ridge =
      kRidge * gram_KK.diagonal().mean().item<double>() + 1e-12;
  gram_KK = gram_KK + at::eye(x.size(1), x.options()) * ridge;
  const auto A_KK = at::linalg_solve(gram_KK, x.t().mm(y)).t();
  return {A_KK, y_mean_K - A_KK.mv(x_mean_K)};
}

void add_low_rank(SteeringInput& input, const VectorRows& rows,
                  std::int64_t rank) {
  add_subspace(input, rows, rank);
  const auto& R_LKD = input.basis_LKD;
  std::vector<at::Tensor> targets;
  std::vector<at::Tensor> biases;
  for (std::int64_t k = 0; k < rows.num_layers(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    const auto R_KD = R_LKD[k].to(at::kDouble);
    const auto map = affine_map(rows.negative[i].to(at::kDouble).mm(R_KD.t()),
                                rows.positive[i].to(at::kDouble).mm(R_KD.t()));
    targets.push_back(map.A_KK.mm(R_KD));
    biases.push_back(map.b_K);
  }
  input.low_rank_read_LKD = R_LKD;
  input.low_rank_target_LKD = at::stack(targets).to(at::kFloat);
  input.low_rank_bias_LK = at::stack(biases).to(at::kFloat);
}

}  // namespace

void add_statistics(SteeringInput& input, OperatorNeed need,
                    const VectorRows& rows, const StatisticsOptions& options) {
  check_shape(input, rows);
  switch (need) {
    case OperatorNeed::kNegativeMean:
    case OperatorNeed::kPositiveMean:
      if (!input.negative_mean_LD.defined()) {
        add_class_means(input, rows);
      }
      return;
    case OperatorNeed::kReadDirection:
      if (!input.read_LD.defined()) {
        add_leace(input, rows, options.shrinkage);
      }
      return;
    case OperatorNeed::kCondition:
      if (!input.condition_LD.defined()) {
        input.condition_LD = input.directions_LD;
      }
      return;
    case OperatorNeed::kSubspace:
      return add_subspace(input, rows, options.rank);
    case OperatorNeed::kLowRank:
      if (!input.low_rank_read_LKD.defined()) {
        add_low_rank(input, rows, options.rank);
      }
      return;
    default:
      return;
  }
}

}  // namespace veer
