// SPDX-License-Identifier: MIT
//
// The study's claims with this run's verdict on each: hypotheses.json. Works
// from files and needs no model.
#pragma once

#include <span>
#include <vector>

#include "veer/base/json.h"
#include "veer/study/run_store.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

class StudyContext;

// Every claim in the order of its number. `comparison` and `sweep` are the
// documents of the run folder, empty objects where a stage has not run.
// What the run did not measure is undecided, with the reason.
std::vector<HypothesisResult> evaluate_claims(
    const Json& comparison, const Json& sweep,
    std::span<const AnswerRow> answers, std::uint64_t seed);

// hypotheses.json of the run folder; does nothing before compare.
void write_claims(StudyContext& context);

// {"counts": {"supported": 3, ..., "not measured": 5}, "claims": [...]}.
Json claims_json(std::span<const HypothesisResult> claims);

}  // namespace veer
