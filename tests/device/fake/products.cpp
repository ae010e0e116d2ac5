// SPDX-License-Identifier: MIT
//
// The matrix product with an output wider than its factors, which torch has for
// cards only: fp32 sums that are not rounded. Counts as one launch.
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <torch/library.h>

#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/tensors.h"

namespace veer::fake {
namespace {

at::Tensor wide_product(const at::Tensor& a, const at::Tensor& b,
                        at::ScalarType dtype) {
  const bool narrow =
      a.scalar_type() == at::kHalf || a.scalar_type() == at::kBFloat16;
  TORCH_CHECK(a.scalar_type() == b.scalar_type() &&
                  (dtype == a.scalar_type() || (narrow && dtype == at::kFloat)),
              "mm: dtypes");
  TORCH_CHECK(a.device() == device() && b.device() == device(), "mm: devices");
  auto out = at::empty({a.size(0), b.size(1)},
                       at::TensorOptions().device(device()).dtype(dtype));
  host_view(out).copy_(
      at::mm(host_view(a).to(at::kFloat), host_view(b).to(at::kFloat)));
  count_launch("mm.dtype", /*waits=*/false);
  return out;
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("mm.dtype", TORCH_FN(wide_product));
}

}  // namespace
}  // namespace veer::fake
