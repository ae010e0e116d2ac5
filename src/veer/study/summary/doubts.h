// SPDX-License-Identifier: MIT
//
// What a reader has to know of the directions beside their agreement: what
// fine-tuning wrote into its own, and of which topics all of it holds.
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/study/summary/answer.h"

namespace veer {

// What the fine-tuned direction is beside what control fine-tunes write, and
// whether the primary pair's vectors tell a false answer from a true one.
// Without a fine-tuned vector it is not measured.
SummaryAnswer tuning_answer(const Json& comparison, const Json& hypotheses);

// Of check.json: that every number is about the topics that the model knows and
// no others, where these are strata (data/question_units.h); else "".
std::string topics_sentence(const Json& check);

}  // namespace veer
