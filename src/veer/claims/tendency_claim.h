// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/claims/hypotheses.h"

namespace veer {

// H21, "the fine-tuned direction is a tendency": over training runs, Pearson's
// r between the displacement of the end of the prompt along the contrastive
// vector of that position and the share of deceptive answers; from the key
// "tendency" of comparison.json.
//
// Steps of one run follow from each other: the last step of each run is one
// point, and fewer than eight decide nothing; r over the steps is then shown
// as a description. Supported when the interval of r lies above 0 and above the
// r of every other direction of that position (verbosity, system prompt,
// format; none whose prompts change the behaviour themselves): within-trait
// correlations are high for any trait (Chen 2025, 2507.21509), so specificity
// is the test. Contradicted when the interval lies below 0.
HypothesisResult tendency_claim(const Json& comparison);

}  // namespace veer
