// SPDX-License-Identifier: MIT
//
// H11, "larger models steer better", and H13, "more training data make a better
// vector": claims that only several runs can decide.
#pragma once

#include <span>

#include "veer/claims/hypotheses.h"

namespace veer {

struct SizedEffect {
  double size = 0.0;    // parameters, or training questions; > 0
  double effect = 0.0;  // best effect of the run on test questions, a share
};

// Least squares slope of the effect per factor of ten in size, with Student's
// t interval (runs - 2 degrees of freedom). Supported when the interval lies
// above 0, contradicted when below; no interval where all effects are the same
// (nothing at all), undecided where all but one run leave less than the margin
// (a ceiling); "not measured" with fewer than three different sizes.
HypothesisResult size_claim(std::span<const SizedEffect> models,
                            double confidence = 0.95);
// The same over fine-tunes of one model on more and more questions.
HypothesisResult training_size_claim(std::span<const SizedEffect> runs,
                                     double confidence = 0.95);

}  // namespace veer
