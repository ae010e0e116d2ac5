// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/claims/sweep_evidence.h"

namespace veer {

// H7, "suppressing is easier than inducing": share of the gap between the
// unsteered models that subtracting a vector closes minus the share that adding
// it closes, question by question, for every vector; exact sign flips of the
// questions, the largest statistic over vectors. Shown is the deciding vector,
// else `shown`.
HypothesisResult ease_claim(const SweepEvidence& evidence,
                            const std::string& shown);

}  // namespace veer
