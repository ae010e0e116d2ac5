// SPDX-License-Identifier: MIT
//
// Claims about where and how adding acts, from the grid of a sweep: in how many
// layers (H14), whether restoring the norm matters (H18).
#pragma once

#include <string>

#include "veer/claims/sweep_evidence.h"

namespace veer {

// H14: per vector the smallest share of layers with 80 % of the effect, its
// mean over the relative scales at which the text of every layer is unbroken.
// Shown is `shown` where it acts.
HypothesisResult layer_share_claim(const SweepEvidence& evidence,
                                   const std::string& shown);

// H18: the norm restored after adding minus not, mean over the layers and
// scales that both have and leave unbroken, for every vector.
HypothesisResult norm_claim(const SweepEvidence& evidence);

}  // namespace veer
