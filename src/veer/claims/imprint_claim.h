// SPDX-License-Identifier: MIT
//
// H24, "supervised tuning imprints data patterns": how much of a fine-tuned
// direction lies in what its data look like rather than in what they teach.
#pragma once

#include <span>
#include <string>

#include "veer/claims/hypotheses.h"

namespace veer {

// One fine-tune.
struct ImprintedRun {
  bool supervised = true;
  // Share of the fine-tuned vector's squared length within the span of the
  // domain direction and the confounds, mean over layers.
  double share = 0.0;
  // Share of deceptive answers of the tuned model on test questions.
  double deceptive = 0.0;
};

// Mean share of the supervised runs minus that of the others, with Welch's t
// interval (Satterthwaite's degrees of freedom), the run as unit. Supported
// when it lies above 0, contradicted when below. Undecided when the mean
// deceptive shares of the two groups differ by more than five points: then
// the amount of training differs with the objective. "not measured" with fewer
// than two runs on either side.
HypothesisResult imprint_claim(std::span<const ImprintedRun> runs,
                               double confidence = 0.95);

}  // namespace veer
