// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

namespace veer::fake {

// The numbers of a tensor of the device as a CPU tensor, the same bytes.
at::Tensor host_view(const at::Tensor& tensor);

}  // namespace veer::fake
