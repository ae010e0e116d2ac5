// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "veer/claims/sweep_evidence.h"

namespace veer {

// H9, "one direction suffices", and H9U, "no second direction does it".
//
// H9: of each goal the plain addition that did most on the select questions,
// against the other model, which answers as the goal wants by itself. With s
// the steered, u the unsteered and o the other model's share on the same test
// questions, the share of the gap that is closed is
//
//   (s - u) / (o - u) = 1 - (o - s) / (o - u),
//
// and its interval that of the difference s - o, paired by question, over the
// gap o - u, which is taken as known. It has a width also where every question
// moved. Nothing is said where the gap is under 10 points.
// H9U: the parts of a study vector that are orthogonal to the other one
// (private:*). A part that works is a second direction.
std::vector<HypothesisResult> one_direction_claims(
    const SweepEvidence& evidence);

}  // namespace veer
