// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "veer/base/json.h"
#include "veer/claims/chosen_effect.h"

namespace veer {

// H12, "more questions make a better vector": the effect of each vector minus
// that of vectors made of a few of the same questions, at the same cell, from
// plain additions; their reliability at both sizes from "sample_size" of
// comparison.json.
//
// Each difference has an interval of its own, shown for the largest; for the
// decision it is widened to hold for all of them (Bonferroni, normal). The cell
// was chosen for the vector of all questions, which favours "supported". Where
// the vector of few questions left less than the margin nothing is
// contradicted.
HypothesisResult sample_size_claim(const Json& comparison,
                                   const std::vector<ChosenEffect>& effects);

}  // namespace veer
