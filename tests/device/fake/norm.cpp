// SPDX-License-Identifier: MIT
//
// The norm that torch has as one kernel for cards only: fp32 inside, rounded
// once. Counts as one launch.
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

std::tuple<at::Tensor, at::Tensor> rms_norm(
    const at::Tensor& x, at::IntArrayRef shape,
    const std::optional<at::Tensor>& weight, std::optional<double> eps) {
  TORCH_CHECK(shape.size() == 1 && shape[0] == x.size(-1),
              "the fake device norms the last axis");
  const auto wide = host_view(x).to(at::kFloat);
  const auto scale = (wide.square().mean(-1, true) + eps.value()).rsqrt();
  auto unit = wide * scale;
  if (weight && weight->defined()) {
    TORCH_CHECK(weight->scalar_type() == x.scalar_type(), "rms norm: dtypes");
    unit = unit * host_view(*weight).to(at::kFloat);
  }
  const auto options = at::TensorOptions().device(device());
  auto out = at::empty(x.sizes(), options.dtype(x.scalar_type()));
  host_view(out).copy_(unit);
  auto scales = at::empty(scale.sizes(), options.dtype(at::kFloat));
  host_view(scales).copy_(scale);
  count_launch("_fused_rms_norm", /*waits=*/false);
  return {out, scales};
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_fused_rms_norm", TORCH_FN(rms_norm));
}

}  // namespace
}  // namespace veer::fake
