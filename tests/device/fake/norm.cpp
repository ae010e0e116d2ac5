// SPDX-License-Identifier: MIT
//
// The norm that torch has as one kernel for cards only: fp32 inside, rounded
// once. Counts as one launch.
#include <array>
#include <optional>
#include <tuple>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/tensors.h"

namespace veer::fake {
namespace {

at::Tensor wide(const at::Tensor& x) {
  const auto host = host_view(x);
  return host.scalar_type() == at::kDouble ? host : host.to(at::kFloat);
}

at::Tensor made(const at::Tensor& numbers, at::ScalarType dtype) {
  auto out = at::empty(numbers.sizes(),
                       at::TensorOptions().dtype(dtype).device(device()));
  host_view(out).copy_(numbers);
  return out;
}

bool has(const std::optional<at::Tensor>& tensor) {
  return tensor && tensor->defined();
}

void refuse(const at::Tensor& x, at::IntArrayRef shape,
            const std::optional<at::Tensor>& weight) {
  TORCH_CHECK(shape.size() == 1 && shape[0] == x.size(-1),
              "the fake device norms the last axis");
  TORCH_CHECK(!has(weight) || weight->scalar_type() == x.scalar_type(),
              "rms norm: dtypes");
}

std::tuple<at::Tensor, at::Tensor> rms_norm(
    const at::Tensor& x, at::IntArrayRef shape,
    const std::optional<at::Tensor>& weight, std::optional<double> eps) {
  refuse(x, shape, weight);
  const auto own = wide(x);
  const auto scale = (own.square().mean(-1, true) + eps.value()).rsqrt();
  auto unit = own * scale;
  if (has(weight)) {
    unit = unit * wide(*weight);
  }
  count_launch("_fused_rms_norm", /*waits=*/false);
  return {made(unit, x.scalar_type()), made(scale, scale.scalar_type())};
}

std::tuple<at::Tensor, at::Tensor> rms_norm_backward(
    const at::Tensor& gradient, const at::Tensor& x, at::IntArrayRef shape,
    const at::Tensor& scales, const std::optional<at::Tensor>& weight,
    std::array<bool, 2> wanted) {
  refuse(x, shape, weight);
  const auto scale = wide(scales);
  const auto unit = wide(x) * scale;
  const auto dy = wide(gradient);
  const auto dunit = has(weight) ? dy * wide(*weight) : dy;
  const auto dx = (dunit - unit * (dunit * unit).mean(-1, true)) * scale;
  count_launch("_fused_rms_norm_backward", /*waits=*/false);
  return {wanted[0] ? made(dx, x.scalar_type()) : at::Tensor(),
          wanted[1] ? made((dy * unit).reshape({-1, shape[0]}).sum(0),
                           x.scalar_type())
                    : at::Tensor()};
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_fused_rms_norm", TORCH_FN(rms_norm));
  library.impl("_fused_rms_norm_backward", TORCH_FN(rms_norm_backward));
}

}  // namespace
}  // namespace veer::fake
