// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/config.h"

namespace veer {

// 32 hexadecimal digits over everything that decides the outputs: what the
// forward pass reads of the config, and name, dtype and bytes of each weight,
// converted to `as` before where that is given.
std::string model_fingerprint(
    const ModelConfig& config,
    const std::vector<std::pair<std::string, at::Tensor>>& weights,
    std::optional<at::ScalarType> as = {});

}  // namespace veer
