// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// H12, "more questions make a better vector": the effect of the study's two
// vectors minus that of vectors made of a few of the same questions, at the
// same cell, from the key "groups" of sweep.json; their reliability at both
// sizes from "sample_size" of comparison.json.
//
// Each of the (at most four) differences has an interval of its own, shown
// for the largest; for the decision it is widened to hold for all of them
// (Bonferroni, normal). Supported when one lies above 0, contradicted when all
// end below 10 points and addition moves something at all. The cell was chosen
// for the vector of all questions, which favours "supported".
HypothesisResult sample_size_claim(const Json& comparison, const Json& sweep,
                                   const std::string& contrastive,
                                   const std::string& finetuned);

}  // namespace veer
