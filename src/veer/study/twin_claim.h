// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// G3, "most of the fine-tuned direction is not what tuning on honest answers
// writes", from "twin" of comparison.json: the share of the fine-tuned
// direction's squared length outside the direction that the same recipe writes
// on honest answers, beside that of random directions. Nothing rests on it, so
// it is a finding and no gate.
HypothesisResult twin_claim(const Json& comparison);

// " Of the squared length of finetuned@p, 40 % (interval 35 to 45) is not what
// the same fine-tuning writes on honest answers; of a random direction it is
// 97 %.", for every sentence about a
// fine-tuned vector; empty where that vector has no twin.
std::string twin_note(const Json& comparison, const std::string& vector);

// " (95 % of it outside the honest twin's direction)", within a list; empty
// where that vector has no twin.
std::string twin_phrase(const Json& comparison, const std::string& vector);

}  // namespace veer
