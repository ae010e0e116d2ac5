// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "veer/base/json.h"
#include "veer/study/run_store.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// H10, "the directions carry other features along": what else than deception
// changes in the base model's answers at the chosen induction cells of both
// vectors, paired by question with the unsteered answers: length in words (as
// a share of the unsteered mean), share off topic, share of refusals.
// Simultaneous 95 % intervals over vectors and traits (max-t). Supported when
// one leaves 0, contradicted when all lie within +- 0.1.
HypothesisResult trait_claim(const Json& sweep,
                             std::span<const AnswerRow> answers,
                             const std::string& contrastive,
                             const std::string& finetuned, std::uint64_t seed);

}  // namespace veer
