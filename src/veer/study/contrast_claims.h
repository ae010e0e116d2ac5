// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// H9, H15, H16, H17 from the keys "best" and "contrasts" of sweep.json.
//
// H15, H16, H17: one kind of operator (or a blend) minus plain addition, each
// at its best select configuration. Supported when a difference of the two
// study vectors has its simultaneous interval above 0 and was not bought with
// a divergence more than a tenth larger; contradicted when every interval
// ends below 10 points.
// H9: share of the ceiling that the better study vector reaches. Supported
// when it lies below 80 % for a goal, contradicted when it lies above for
// both.
std::vector<HypothesisResult> contrast_claims(const Json& sweep);

}  // namespace veer
