// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"
#include "veer/train/adapter_config.h"

namespace veer {

// The pair with the start's product taken out: W + s B A - s B0 A0 as a pair of
// W, of twice the rank. Computed in fp64 as PEFT does it in fp32: of PiSSA the
// part of W in its `rank` leading singular directions, of OLoRA s times the
// part in the span of its first `rank` columns.
LoraPair without_start(const LoraPair& pair, AdapterStart start,
                       const at::Tensor& weight_OI, const std::string& path);

}  // namespace veer
