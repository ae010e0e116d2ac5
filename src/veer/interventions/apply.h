// SPDX-License-Identifier: MIT
//
// Two ways to apply edits to tokens; they agree to fp32 rounding.
#pragma once

#include <span>

#include <ATen/core/Tensor.h>

#include "veer/interventions/edit_stacks.h"
#include "veer/interventions/intervention.h"

namespace veer {

// Changes the named rows of hidden_TD in place. CPU, contiguous, fp32, fp64,
// bf16 or fp16; arithmetic in fp32. Each token names one edit; a token may
// occur once. Donor tokens are read as they are, so no donor may be changed
// in the same call.
void apply_fused(std::span<const SiteEdit> edits,
                 std::span<const TokenEdit> tokens,
                 const at::Tensor& hidden_TD);

// The same as ATen operations on any device, recording gradients, for the
// groups of one round. Returns a new tensor.
at::Tensor apply_generic(std::span<const EditGroup> groups,
                         const at::Tensor& hidden_TD);

}  // namespace veer
