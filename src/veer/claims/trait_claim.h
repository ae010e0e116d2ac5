// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/claims/chosen_effect.h"
#include "veer/results/answer_row.h"

namespace veer {

// H10, "the directions carry other features along".
//
// Decided by the primary pair, `deciding`; what other `vectors` carry is
// reported and decides nothing. In the direction: squared length of each along
// one confound that does not carry the behaviour (the square of the cross-item
// cosine, its interval widened for all of them), at the layer chosen for adding
// the vector, against what the largest such share of a random direction with
// the activations' covariance is; beside it what the span of all of them holds.
// In the answers: what else changes at the induction cells of plain addition,
// paired by question with the unsteered answers: length in words (as a share of
// the unsteered mean), share off topic, share of refusals, with simultaneous
// intervals (max-t).
HypothesisResult trait_claim(const Json& comparison, const Json& sweep,
                             std::span<const AnswerRow> answers,
                             const std::vector<ChosenEffect>& effects,
                             const std::vector<std::string>& deciding,
                             const std::vector<std::string>& vectors,
                             std::uint64_t seed);

}  // namespace veer
