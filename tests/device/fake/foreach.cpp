// SPDX-License-Identifier: MIT
//
// Operators that torch has for lists of tensors: on a card few launches for a
// list, as many as count here; elsewhere a loop over its tensors.
#include <optional>
#include <vector>

#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/tensors.h"

namespace veer::fake {
namespace {

// Tensors whose addresses fit into the arguments of one launch, by how many
// lists are walked together (depth_to_max_tensors of torch's
// MultiTensorApply.cuh).
constexpr std::size_t kTensorsOfOneList = 110;
constexpr std::size_t kTensorsOfFourLists = 36;

void count_launches(const char* name, std::size_t tensors, std::size_t most) {
  for (std::size_t i = 0; i < tensors; i += most) {
    count_launch(name, /*waits=*/false);
  }
}

std::vector<at::Tensor> host_views(at::TensorList tensors) {
  std::vector<at::Tensor> views;
  for (const auto& tensor : tensors) {
    TORCH_CHECK(tensor.device() == device(), "a list on two devices");
    views.push_back(host_view(tensor));
  }
  return views;
}

std::optional<at::Tensor> optional_host_view(
    const std::optional<at::Tensor>& tensor) {
  return tensor && tensor->defined()
             ? std::optional(host_views({*tensor}).front())
             : std::nullopt;
}

// Sums of parts, then of those.
std::vector<at::Tensor> foreach_norm(at::TensorList tensors,
                                     const at::Scalar& order,
                                     std::optional<at::ScalarType> dtype) {
  const auto host = at::_foreach_norm(host_views(tensors), order, dtype);
  std::vector<at::Tensor> norms;
  for (const auto& norm : host) {
    norms.push_back(at::empty({}, norm.options().device(device())));
    host_view(norms.back()).copy_(norm);
  }
  count_launches("_foreach_norm", tensors.size(), kTensorsOfOneList);
  count_launches("_foreach_norm", tensors.size(), kTensorsOfOneList);
  return norms;
}

void fused_adamw(at::TensorList values, at::TensorList gradients,
                 at::TensorList means, at::TensorList squares,
                 at::TensorList max_squares, at::TensorList steps, double lr,
                 double beta1, double beta2, double weight_decay, double eps,
                 bool amsgrad, bool maximize,
                 const std::optional<at::Tensor>& grad_scale,
                 const std::optional<at::Tensor>& found_inf) {
  at::_fused_adamw_(
      host_views(values), host_views(gradients), host_views(means),
      host_views(squares), host_views(max_squares), host_views(steps), lr,
      beta1, beta2, weight_decay, eps, amsgrad, maximize,
      optional_host_view(grad_scale), optional_host_view(found_inf));
  count_launches("_fused_adamw_", values.size(), kTensorsOfFourLists);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_foreach_norm.Scalar", TORCH_FN(foreach_norm));
  library.impl("_fused_adamw_", TORCH_FN(fused_adamw));
}

}  // namespace
}  // namespace veer::fake
