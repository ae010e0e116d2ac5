// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/model/transformer.h"

namespace veer {

// What load_transformer() gives for `folder`, whose tensors were read already:
// all of them, as read_model_tensors() gives them. They stay as they are, and
// no turned weights are kept beside them.
Transformer transformer_of(const std::filesystem::path& folder,
                           std::map<std::string, at::Tensor> tensors,
                           std::optional<at::ScalarType> dtype = {},
                           at::Device device = at::kCPU);

}  // namespace veer
