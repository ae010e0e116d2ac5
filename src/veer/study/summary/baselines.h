// SPDX-License-Identifier: MIT
//
// The summary's lines about what serves a goal without a vector, from
// "baselines" of sweep.json.
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// "deceptive system prompt", "adapter on (tuned model)", "adapter at 0.5".
std::string baseline_name(const Json& baseline);

// The entry of the vector that a baseline stands beside: the leading one of its
// goal (leading_effect.h), which every other sentence names first too. Null
// where no cell of any vector was chosen.
const Json* baseline_rival(const Json& best, const Json& groups,
                           const Json& baseline);

// The rival minus the baseline on the same questions, an estimate; null where
// it was not measured.
const Json& lead_over(const Json& baseline, const Json& rival);

// What the leading vector of a goal and each baseline cost on unrelated texts;
// empty where that was not measured.
std::string specificity_sentence(const Json& sweep, const std::string& goal);

// A table of at most 80 columns: of each goal the leading vector, then the
// baselines with the vector's lead over them and the divergence elsewhere.
// `best`, `groups` and `baselines` as in sweep.json.
std::vector<std::string> baseline_lines(const Json& best, const Json& groups,
                                        const Json& baselines);

}  // namespace veer
