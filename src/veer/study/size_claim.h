// SPDX-License-Identifier: MIT
//
// H11, "larger models steer better": a claim that only several models can
// decide.
#pragma once

#include <span>

#include "veer/vectors/hypotheses.h"

namespace veer {

struct SizedEffect {
  double parameters = 0.0;
  double effect = 0.0;  // best effect of the model on test questions, a share
};

// Least squares slope of the effect per factor of ten in parameters, with
// Student's t interval (models - 2 degrees of freedom). Supported when the
// interval lies above 0, contradicted when below; "not measured" with fewer
// than three different sizes.
HypothesisResult size_claim(std::span<const SizedEffect> models,
                            double confidence = 0.95);

}  // namespace veer
