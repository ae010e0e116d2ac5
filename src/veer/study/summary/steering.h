// SPDX-License-Identifier: MIT
//
// The summary's answers about what steers, and its rows about where text
// breaks, from sweep.json.
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/study/summary/answer.h"

namespace veer {

// Whether vectors serve a goal ("induction", "suppression"): first whether any
// works, then the effect of the leading one beside random vectors, those of the
// primary pair with the claim about each, and what other operators do. That
// nothing serves it is said only where intervals show it; otherwise that it is
// not told from random vectors.
SummaryAnswer steering_answer(const Json& comparison, const Json& sweep,
                              const Json& hypotheses, const std::string& goal);

// Smallest scale in units of the residual norm at which the text of each
// vector breaks, over layers, on the base model.
// Null where no such scale was tried.
Json break_rows(const Json& sweep);

}  // namespace veer
