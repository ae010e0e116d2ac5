// SPDX-License-Identifier: MIT
#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_rms_norm.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sum.h>

#include "veer/model/ops.h"

namespace veer::ops::card {
namespace {

at::Tensor normed(const at::Tensor& x, const std::optional<at::Tensor>& weight,
                  double eps) {
  return std::get<0>(
      at::_fused_rms_norm(x, x.sizes().slice(x.dim() - 1), weight, eps));
}

// What the halves of a head add to each half of the turned one,
// [T, N, 2, 2, P].
at::Tensor parts(const at::Tensor& x_TNH, const RopeTable& table) {
  return x_TNH.unflatten(2, {1, 2, -1}) * table.turns_T122P;
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind) {
  if (kind != RmsNormKind::kPlusOne) {
    return normed(x, weight, eps);
  }
  return normed(x.to(at::kFloat), 1.0 + weight.to(at::kFloat), eps)
      .to(x.scalar_type());
}

void gate_in_place(at::Tensor& gate, const at::Tensor& up,
                   Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      at::silu_(gate);
      break;
    case Activation::kGeluTanh:
      at::gelu_(gate, "tanh");
      break;
    case Activation::kGelu:
      at::gelu_(gate);
      break;
  }
  gate.mul_(up);
}

at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table) {
  return parts(x_TNH, table).sum(3).flatten(2).to(x_TNH.scalar_type());
}

void rotate_in_place(at::Tensor& x_TNH, const RopeTable& table) {
  const auto both = parts(x_TNH, table);
  auto halves = x_TNH.unflatten(2, {2, -1});
  if (both.scalar_type() == x_TNH.scalar_type()) {
    at::sum_out(halves, both, 3);
  } else {
    halves.copy_(both.sum(3));
  }
}

}  // namespace veer::ops::card
