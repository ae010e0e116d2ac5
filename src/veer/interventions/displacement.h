// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include "veer/interventions/intervention.h"

namespace veer {

// What an addition adds at each layer, [layers, width] fp32, zero where
// nothing acts: the only part of an intervention that a tool which just adds
// vectors can take over. Throws Error as compile() does, and for an operator
// or unit whose change depends on the hidden state.
at::Tensor fixed_displacement(const Intervention& intervention,
                              const SteeringInput& input,
                              std::int64_t num_layers);

}  // namespace veer
