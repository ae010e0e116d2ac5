// SPDX-License-Identifier: MIT
//
// Claims that set one way of steering against another, from the key "contrasts"
// of sweep.json: H2, H15, H15L, H16, H17, H19.
#pragma once

#include <vector>

#include "veer/base/json.h"
#include "veer/claims/chosen_effect.h"

namespace veer {

// H15, H15L, H16, H17: a class of operators (or a blend) minus plain addition,
// each at its best select configuration that leaves the text unbroken, for
// every vector. A gain counts where the winner works, its divergence (KL) is at
// most a tenth larger than that addition's, whatever the addition does, and it
// is the best of no more configurations. An addition that does nothing and
// costs less is no price to compare with, so that it decides nothing; an
// unknown price or number of configurations does not either. Where addition
// left less room than the margin, or is the best of more configurations,
// nothing is contradicted. H15L is never supported (decidable.h). H2:
// contrastive minus fine-tuned vector. H19: all layers minus one, the vector as
// unit.
std::vector<HypothesisResult> contrast_claims(
    const Json& sweep, const std::vector<ChosenEffect>& effects);

}  // namespace veer
