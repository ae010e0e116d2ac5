// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "veer/claims/chosen_effect.h"
#include "veer/vectors/compare.h"

namespace veer {

// A1, "directions that agree also steer, directions that do not, do not".
//
// Of every contrastive and fine-tuned (or twin) vector of one position: the
// verdict of their cosine at the layers that the select questions chose for
// plain addition of either, against what those additions induce on test
// questions. The layers were chosen by behaviour and not by cosine. Each pair
// agrees or not and acts or not; a place that has one without the other is a
// counterexample. The effect is the primary pair's cosine there.
HypothesisResult agreement_claim(const Comparison* comparison,
                                 const std::vector<ChosenEffect>& effects);

}  // namespace veer
