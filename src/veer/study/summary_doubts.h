// SPDX-License-Identifier: MIT
//
// What a reader has to know of the two directions beside their agreement: what
// control fine-tunes wrote, and whether the vectors tell a false answer from a
// true one.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

// "Control fine-tunes: honest (cosine with finetuned@p .76 to .93), ..."; that
// there were none. `from_prompt`: the answers that were tuned on were written
// under the system prompt that makes the contrastive vector. Empty without a
// fine-tuned vector.
std::string control_tunings_sentence(const Json& comparison, bool from_prompt);

// That the primary pair's vectors hardly tell deceptive from honest answers in
// the base model, if the numbers say so; empty otherwise.
std::string detection_sentence(const Json& comparison);

// Of check.json: that every number is about the topics that the model knows and
// no others, where these are strata (data/question_units.h); else "".
std::string topics_sentence(const Json& check);

}  // namespace veer
