// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include <ATen/core/Tensor.h>

namespace veer {

// Zeros of this shape, fp32 on the CPU, in a file of `folder` that bears no
// name any more: its pages go to disk when memory is short, and it is gone with
// the tensor, or with the process. Throws Error where the disk has no room.
at::Tensor spilled_zeros(at::IntArrayRef sizes,
                         const std::filesystem::path& folder);

}  // namespace veer
