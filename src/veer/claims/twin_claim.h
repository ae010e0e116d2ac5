// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/claims/hypotheses.h"

namespace veer {

// G3, "most of the fine-tuned direction is not what tuning on honest answers
// writes", from "twin" of comparison.json: the share of the fine-tuned
// direction's squared length outside the direction that the same recipe writes
// on honest answers, beside that of random directions. Nothing rests on it, so
// it is a finding and no gate.
HypothesisResult twin_claim(const Json& comparison);

// What a fine-tuned vector's share comes to, in a sentence without numbers:
// mostly what tuning on honest answers writes too (its interval lies below
// half), mostly not (above half), and then whether it has more of that than
// random directions with the activations' covariance, over all layers or at
// one, which is named. Empty where it has no twin.
std::string twin_conclusion(const Json& comparison, const std::string& vector);

// "Of its squared length 40 % [35, 45] lies outside the honest twin's
// direction; of random directions 97 % [92, 99] (finetuned@p).": the numbers of
// it.
std::string twin_numbers(const Json& comparison, const std::string& vector,
                         const std::string& claim = "");

// " (95 % outside the honest twin's)", within a sentence about the vector;
// empty where that vector has no twin.
std::string twin_phrase(const Json& comparison, const std::string& vector);

}  // namespace veer
