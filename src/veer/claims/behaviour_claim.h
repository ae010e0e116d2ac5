// SPDX-License-Identifier: MIT
//
// H26, "another behaviour shows the same two natures": the verdicts of studies
// of deception beside those of studies of something else.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/claims/hypotheses.h"

namespace veer {

struct BehaviourRun {
  std::string behaviour;  // empty = deception
  Json hypotheses;        // hypotheses.json
};

// H1 to H8 and H25: per behaviour the decision of most runs that decide a claim
// (none if they are even) and the sign of the mean effect. Share of the claims
// that both behaviours decide in which decision and sign are the same, with
// Wilson's interval; several other behaviours are pooled, claim by claim.
// Supported above one half, contradicted below; five alike are the least.
// "not measured" when no claim is decided on both sides.
HypothesisResult behaviour_claim(std::span<const BehaviourRun> runs);

}  // namespace veer
