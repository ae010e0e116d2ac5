// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// H21, "the fine-tuned direction is a tendency": over the kept training steps,
// Pearson's r between the displacement of the end of the prompt along the
// contrastive vector of that position and the share of deceptive answers; from
// the key "tendency" of comparison.json.
//
// Supported when the interval of r lies above 0 and above the r of every other
// direction of that position (verbosity, system prompt, format; none whose
// prompts change the behaviour themselves):
// within-trait correlations are high for any trait (Chen 2025, 2507.21509), so
// specificity is the test. Contradicted when the interval lies below 0.
// The steps of one run follow from each other: Fisher's interval takes them as
// independent and is too narrow, and the reason says so.
HypothesisResult tendency_claim(const Json& comparison);

}  // namespace veer
