// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/config.h"

namespace veer {

// Why these tensors are not the weights of the model, one message each:
// missing, misshaped, not floating-point or unexpected ones. Empty = they are.
std::vector<std::string> weight_problems(
    const ModelConfig& config,
    const std::map<std::string, at::Tensor>& tensors);

}  // namespace veer
