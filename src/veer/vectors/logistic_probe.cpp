// SPDX-License-Identifier: MIT
#include "veer/vectors/logistic_probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "veer/base/error.h"

namespace veer {
namespace {

struct Problem {
  at::Tensor rows_NP;    // coordinates and a last column of ones
  at::Tensor labels_N;   // +1 or -1
  at::Tensor penalty_P;  // l2 for weights, 0 for the intercept
};

double objective(const Problem& p, const at::Tensor& w_P) {
  const auto margins_N = p.rows_NP.mv(w_P) * p.labels_N;
  return (-at::log_sigmoid(margins_N).mean() +
          (p.penalty_P * w_P.square()).sum())
      .item<double>();
}

// Newton steps, halved until the objective falls.
at::Tensor minimise(const Problem& p) {
  const auto n = static_cast<double>(p.rows_NP.size(0));
  auto w_P = at::zeros({p.rows_NP.size(1)}, at::kDouble);
  double value = objective(p, w_P);
  for (int step = 0; step < 100; ++step) {
    const auto miss_N = (-(p.rows_NP.mv(w_P) * p.labels_N)).sigmoid();
    const auto gradient_P =
        p.rows_NP.t().mv(-miss_N * p.labels_N) / n + 2.0 * p.penalty_P * w_P;
    const auto curvature_N = (miss_N * (1.0 - miss_N)).clamp_min(1e-12) / n;
    const auto hessian_PP =
        (p.rows_NP * curvature_N.unsqueeze(1)).t().mm(p.rows_NP) +
        at::Tensor(2.0 * p.penalty_P).diag();
    const auto move_P = at::linalg_solve(hessian_PP, gradient_P);
    double share = 1.0;
    auto next_P = w_P - move_P;
    double next = objective(p, next_P);
    while (next > value && share > 1e-6) {
      share /= 2.0;
      next_P = w_P - move_P * share;
      next = objective(p, next_P);
    }
    const double gain = value - next;
    if (gain > 0.0) {
      w_P = next_P;
      value = next;
    }
    if (gradient_P.abs().max().item<double>() < 1e-12 || gain <= 0.0) {
      break;
    }
  }
  return w_P;
}

// Orthonormal axes [r, D] of the span of the rows.
at::Tensor span_axes(const at::Tensor& z_ND) {
  const auto [values_N, vectors_NN] = at::linalg_eigh(z_ND.mm(z_ND.t()));
  const double largest = values_N.max().item<double>();
  const auto rank = (values_N > 1e-12 * largest).sum().item<std::int64_t>();
  const auto top_NR = vectors_NN.narrow(1, values_N.size(0) - rank, rank);
  const auto scale_R = values_N.narrow(0, values_N.size(0) - rank, rank).sqrt();
  return (top_NR / scale_R).t().mm(z_ND);
}

}  // namespace

at::Tensor logistic_direction(const at::Tensor& positive_ND,
                              const at::Tensor& negative_ND, double l2) {
  if (!(l2 > 0.0)) {
    fail("logistic probe", "a penalty that is not positive", "l2 > 0",
         "separable sides have no optimum without a penalty");
  }
  const auto rows_ND = at::cat({positive_ND, negative_ND});
  const auto centred_ND = rows_ND - rows_ND.mean(0);
  const auto sd_D = centred_ND.square().mean(0).sqrt();
  const double largest = sd_D.max().item<double>();
  if (!(largest > 0.0)) {
    fail("logistic probe", "constant activations", "rows that vary");
  }
  // A dimension that never varies gets no weight.
  const auto varies_D = (sd_D > 1e-10 * largest).to(at::kDouble);
  const auto safe_sd_D = sd_D * varies_D + (1.0 - varies_D);
  const auto z_ND = centred_ND * varies_D / safe_sd_D;
  const bool in_items = z_ND.size(0) < z_ND.size(1);
  const auto axes_RD =
      in_items ? span_axes(z_ND) : at::eye(z_ND.size(1), z_ND.options());
  const std::int64_t n = positive_ND.size(0);
  const std::int64_t r = axes_RD.size(0);
  Problem problem;
  problem.rows_NP = at::cat(
      {z_ND.mm(axes_RD.t()), at::ones({z_ND.size(0), 1}, z_ND.options())}, 1);
  problem.labels_N = at::ones({z_ND.size(0)}, z_ND.options());
  problem.labels_N.narrow(0, n, z_ND.size(0) - n).fill_(-1.0);
  problem.penalty_P = at::ones({r + 1}, z_ND.options()) * l2;
  problem.penalty_P.narrow(0, r, 1).fill_(0.0);
  const auto w_R = minimise(problem).narrow(0, 0, r);
  return axes_RD.t().mv(w_R) * varies_D / safe_sd_D;
}

}  // namespace veer
