// SPDX-License-Identifier: MIT
#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_rms_norm.h>
#include <ATen/ops/roll.h>

#include "veer/model/ops.h"

namespace veer::ops::card {
namespace {

at::Tensor normed(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                  double eps) {
  return std::get<0>(
      at::_fused_rms_norm(x, x.sizes().slice(x.dim() - 1), weight, eps));
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind) {
  switch (kind) {
    case RmsNormKind::kPlusOne:
      return normed(x.to(at::kFloat), 1.0 + weight.to(at::kFloat), eps)
          .to(x.scalar_type());
    case RmsNormKind::kWide:
      return normed(x, weight, eps);
    case RmsNormKind::kRounded:
      break;
  }
  // The kernel multiplies before it rounds; the makers round before that.
  return weight * normed(x, {}, eps);
}

at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table) {
  const std::int64_t half = x_TNH.size(2) / 2;
  return (x_TNH * table.cos_T1H + x_TNH.roll(half, -1) * table.sin_T1H)
      .to(x_TNH.scalar_type());
}

}  // namespace veer::ops::card
