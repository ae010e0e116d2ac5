// SPDX-License-Identifier: MIT
#include "veer/capture/activation_stats.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

double RunningNumber::sd() const {
  return n < 2 ? 0.0 : std::sqrt(m2 / static_cast<double>(n - 1));
}

ActivationStats::ActivationStats(std::int64_t width, bool covariance)
    : mean_D_(at::zeros({width}, at::kDouble)),
      squares_D_(at::zeros({width}, at::kDouble)) {
  if (covariance) {
    products_DD_ = at::zeros({width, width}, at::kDouble);
  }
}

void ActivationStats::add(const at::Tensor& rows_ND) {
  if (rows_ND.dim() != 2 || rows_ND.size(1) != mean_D_.size(0)) {
    fail("activation moments", "rows of another width",
         fmt::format("[N, {}]", mean_D_.size(0)));
  }
  if (rows_ND.size(0) == 0) {
    return;
  }
  const auto rows = rows_ND.to(at::kCPU, at::kDouble);
  if (!at::isfinite(rows).all().item<bool>()) {
    fail_run("activation moments", "an activation that is not finite");
  }
  ActivationStats batch(mean_D_.size(0), products_DD_.defined());
  batch.count_ = rows.size(0);
  batch.mean_D_ = rows.mean(0);
  const auto centred_ND = rows - batch.mean_D_;
  batch.squares_D_ = centred_ND.square().sum(0);
  if (products_DD_.defined()) {
    batch.products_DD_ = centred_ND.t().mm(centred_ND);
  }
  merge(batch);
}

void ActivationStats::merge(const ActivationStats& other) {
  if (other.mean_D_.size(0) != mean_D_.size(0) ||
      other.products_DD_.defined() != products_DD_.defined()) {
    fail("merge activation moments", "moments of another width or kind");
  }
  if (other.count_ == 0) {
    return;
  }
  const auto na = static_cast<double>(count_);
  const auto nb = static_cast<double>(other.count_);
  const auto delta_D = other.mean_D_ - mean_D_;
  const double weight = na * nb / (na + nb);
  squares_D_ = squares_D_ + other.squares_D_ + delta_D.square() * weight;
  if (products_DD_.defined()) {
    products_DD_ = products_DD_ + other.products_DD_ +
                   at::outer(delta_D, delta_D) * weight;
  }
  mean_D_ = mean_D_ + delta_D * (nb / (na + nb));
  count_ += other.count_;
}

at::Tensor ActivationStats::variance_D() const {
  return squares_D_ / std::max(1.0, static_cast<double>(count_ - 1));
}

at::Tensor ActivationStats::covariance_DD() const {
  if (!products_DD_.defined()) {
    fail("covariance", "moments kept without covariance",
         "ActivationStats(width, /*covariance=*/true)");
  }
  return products_DD_ / std::max(1.0, static_cast<double>(count_ - 1));
}

}  // namespace veer
