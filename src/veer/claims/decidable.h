// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/claims/hypotheses.h"
#include "veer/vectors/measure.h"

namespace veer {

// "; not decidable here: with 16 topics or clusters of questions the narrowest
// interval is 27 points to either side", where a change of a share over the
// measure's questions and units could never be shown to be within `margin`;
// otherwise empty.
std::string undecidable_text(const Measure& measure, double margin);

// A supported claim about learned edits becomes undecided, and its reason says
// why: what a map that is fitted on the two classes' rows can do would be shown
// by one fitted on shuffled rows, and none is run. Random vectors are axes of
// no such fit. Other rows stay as they are.
void leave_learned_undecided(HypothesisResult& row);

}  // namespace veer
