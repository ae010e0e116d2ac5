// SPDX-License-Identifier: MIT
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

#include "veer/model/ops.h"

namespace veer::ops::plain {
namespace {

// fp32, and fp64 stays (the tests differentiate numerically in it).
at::Tensor widen(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
}

}  // namespace

at::Tensor linear(const at::Tensor& x_TI, const at::Tensor& weight_OI,
                  const at::Tensor& bias_O) {
  return bias_O.defined() ? at::linear(x_TI, weight_OI, bias_O)
                          : at::linear(x_TI, weight_OI);
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind) {
  const auto wide = widen(x);
  const auto scale = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
  const auto unit = wide * scale;
  switch (kind) {
    case RmsNormKind::kPlusOne:
      return (unit * (1.0 + widen(weight))).to(x.scalar_type());
    case RmsNormKind::kWide:
      return (unit * widen(weight)).to(x.scalar_type());
    case RmsNormKind::kRounded:
      break;
  }
  return weight * unit.to(x.scalar_type());
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(gate) * up;
    case Activation::kGeluTanh:
      return at::gelu(gate, "tanh") * up;
    case Activation::kGelu:
      break;
  }
  return at::gelu(gate) * up;
}

at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table) {
  const std::int64_t half = table.cos_TP.size(1);
  // Where the table has the dtype of x, products are rounded to it one by one,
  // where it is fp32, the result is.
  const auto cos_T1P = table.cos_TP.unsqueeze(1);
  const auto sin_T1P = table.sin_TP.unsqueeze(1);
  const auto first = x_TNH.narrow(2, 0, half);
  const auto second = x_TNH.narrow(2, half, half);
  std::vector<at::Tensor> parts{first * cos_T1P - second * sin_T1P,
                                second * cos_T1P + first * sin_T1P};
  const std::int64_t rest = x_TNH.size(2) - 2 * half;
  if (rest > 0) {
    parts.push_back(x_TNH.narrow(2, 2 * half, rest));
  }
  return at::cat(parts, -1).to(x_TNH.scalar_type());
}

}  // namespace veer::ops::plain
