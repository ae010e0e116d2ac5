// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/choice.h"

namespace veer {

// "coherence" of sweep.json: what the texts of the chosen cells and of the
// unsteered models are like, told without any judge (variety, repetition,
// whether the base model recovers the question from the answer). All on the
// same first test questions. Runs the base model once for the latter.
Json coherence_json(Sweep& sweep, const SweepResults& results);

}  // namespace veer
