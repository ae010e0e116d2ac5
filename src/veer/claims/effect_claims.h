// SPDX-License-Identifier: MIT
//
// Does it steer? H3 to H6 by plain addition, H3L, H5L, H6L by edits that are
// learned from the classes' rows.
#pragma once

#include <string>
#include <vector>

#include "veer/claims/chosen_effect.h"

namespace veer {

std::vector<HypothesisResult> effect_claims(
    const std::vector<ChosenEffect>& effects, const std::string& contrastive,
    const std::string& finetuned);

}  // namespace veer
