// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// G3, "the fine-tuned direction is about the behaviour", from "twin" of
// comparison.json: the share of the fine-tuned direction's squared length
// outside the direction that the same recipe writes on honest answers.
HypothesisResult twin_claim(const Json& comparison);

// "40 % [35, 45] of its squared length lies outside the direction that the same
// fine-tuning on honest answers writes", for every sentence about the
// fine-tuned vector; why that is not known where there is no twin.
std::string twin_share_text(const Json& comparison);

}  // namespace veer
