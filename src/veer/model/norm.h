// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include "veer/model/adapter_pass.h"
#include "veer/model/config.h"

namespace veer {

// An RMS norm with what an adapter has in its weight's place.
struct Norm {
  at::Tensor weight;  // undefined: the family has no norm here
  at::Tensor tuned;   // undefined: as the base has it

  // x itself where there is no norm.
  at::Tensor apply(const ModelConfig& config, const at::Tensor& x,
                   const AdapterPass& adapter) const;
};

}  // namespace veer
