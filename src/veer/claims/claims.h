// SPDX-License-Identifier: MIT
//
// The study's claims with this run's verdict on each: hypotheses.json. Works
// from files and needs no model.
#pragma once

#include <span>
#include <vector>

#include "veer/base/json.h"
#include "veer/claims/hypotheses.h"
#include "veer/results/answer_row.h"

namespace veer {

// Every claim in the order of its number. `comparison` and `sweep` are the
// documents of the run folder, empty objects where a stage has not run.
// What the run did not measure is undecided, with the reason.
std::vector<HypothesisResult> evaluate_claims(
    const Json& comparison, const Json& sweep,
    std::span<const AnswerRow> answers, std::uint64_t seed);

// {"counts", "gates", "corrected", "registered", "claims"}: how many findings
// have which decision, without gates and rows that follow from others; the
// gates alike; how many findings stand when p is corrected over all of them
// (Holm). Fills "holm_p". `registered` as registration_status.
Json claims_json(std::span<const HypothesisResult> claims,
                 const Json& registered);

}  // namespace veer
