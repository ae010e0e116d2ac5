// SPDX-License-Identifier: MIT
//
// The summary's answer about the agreement of directions and its rows, from
// comparison.json.
#pragma once

#include "veer/base/json.h"
#include "veer/study/summary/answer.h"

namespace veer {

// One row per layer of the primary pair: cosine, interval, chance band.
Json cosine_rows(const Json& comparison);

// The primary pair first, then a pair of the same two kinds that shares another
// position. `from_prompt`: the answers that were tuned on were written under
// the system prompt that makes the contrastive vector.
SummaryAnswer agreement_answer(const Json& comparison, const Json& hypotheses,
                               bool from_prompt);

}  // namespace veer
