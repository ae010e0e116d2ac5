// SPDX-License-Identifier: MIT
#include "veer/vectors/shrunk_covariance.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cholesky_solve.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_cholesky_ex.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// Ledoit and Wolf's share of the target, from the Gram matrix K = Z Z'
// (|Z'Z|_F = |K|_F, and row i's squared norm is K_ii).
double ledoit_wolf(const at::Tensor& gram_NN, double n, double width) {
  const double square = gram_NN.square().sum().item<double>() / (n * n);
  const double mean = gram_NN.trace().item<double>() / (n * width);
  const double delta = square - width * mean * mean;
  const double fourth = gram_NN.diagonal().square().sum().item<double>();
  const double beta = (fourth / n - square) / n;
  return delta <= 0.0 ? 1.0 : std::clamp(beta / delta, 0.0, 1.0);
}

[[noreturn]] void singular() {
  fail("invert covariance", "a singular covariance",
       "activations that vary, or a shrinkage above 0",
       "fewer texts than dimensions, or identical texts");
}

}  // namespace

ShrunkCovariance::ShrunkCovariance(const at::Tensor& centred_ND,
                                   double shrinkage)
    : rows_ND_(centred_ND) {
  const std::int64_t n = centred_ND.size(0);
  const std::int64_t width = centred_ND.size(1);
  in_items_ = n < width;
  const auto gram =
      in_items_ ? centred_ND.mm(centred_ND.t()) : centred_ND.t().mm(centred_ND);
  const double trace = gram.trace().item<double>();
  if (!(trace > 0.0)) {
    singular();
  }
  const auto gram_NN =
      in_items_ || shrinkage >= 0.0 ? gram : centred_ND.mm(centred_ND.t());
  const auto items = static_cast<double>(n);
  const auto dims = static_cast<double>(width);
  shrinkage_ = shrinkage < 0.0 ? ledoit_wolf(gram_NN, items, dims)
                               : std::min(shrinkage, 1.0);
  ridge_ = shrinkage_ * trace / (items * dims);
  if (shrinkage_ >= 1.0) {
    return;  // S is a multiple of the identity
  }
  // (1-a)/N G + ridge I, of rows or of dimensions.
  const auto system = gram * ((1.0 - shrinkage_) / items) +
                      at::eye(gram.size(0), gram.options()) * ridge_;
  const auto [factor, info] = at::linalg_cholesky_ex(system);
  if (info.item<int>() != 0 || (in_items_ && ridge_ <= 0.0)) {
    singular();
  }
  factor_ = factor;
}

at::Tensor ShrunkCovariance::solve(const at::Tensor& v_D) const {
  if (!factor_.defined()) {
    return v_D / ridge_;
  }
  if (!in_items_) {
    return at::cholesky_solve(v_D.unsqueeze(1), factor_).squeeze(1);
  }
  // (t Z'Z + r I)^-1 v = (v - t Z' (t Z Z' + r I)^-1 Z v) / r
  const double t = (1.0 - shrinkage_) / static_cast<double>(rows_ND_.size(0));
  const auto inner_N =
      at::cholesky_solve(rows_ND_.mv(v_D).unsqueeze(1), factor_).squeeze(1);
  return (v_D - rows_ND_.t().mv(inner_N) * t) / ridge_;
}

}  // namespace veer
