// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "veer/study/chosen_effect.h"

namespace veer {

// H9, "one direction suffices", and H9U, "no second direction does it".
//
// H9: the best vector's share of what copied states do, by plain addition;
// where that share has no interval (every question alike, or copied states do
// nothing) the effect counts against what was possible at all.
// H9U: the parts of a study vector that are orthogonal to the other one
// (private:*). A part that works is a second direction.
std::vector<HypothesisResult> one_direction_claims(
    const std::vector<ChosenEffect>& effects);

}  // namespace veer
