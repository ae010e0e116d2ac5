// SPDX-License-Identifier: MIT
//
// Claims that set one way of steering against another, from the key "contrasts"
// of sweep.json: H2, H15, H15L, H16, H17, H19.
#pragma once

#include <vector>

#include "veer/base/json.h"
#include "veer/study/chosen_effect.h"

namespace veer {

// H15, H15L, H16, H17: a class of operators (or a blend) minus plain addition,
// each at its best select configuration, for every vector. A gain counts
// where the winner works, at a divergence at most a tenth larger than the
// addition's; where that addition does not work, than the largest at which
// adding was searched. Where
// addition left less room than the margin nothing is contradicted.
// H2: contrastive minus fine-tuned vector. H19: all layers minus one, the
// vector as unit.
std::vector<HypothesisResult> contrast_claims(
    const Json& sweep, const std::vector<ChosenEffect>& effects);

}  // namespace veer
