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

// What the best vector of a goal and each baseline cost on unrelated texts;
// empty where that was not measured.
std::string specificity_sentence(const Json& sweep, const std::string& goal);

// One block of at most 80 columns: of each goal the best vector, then the
// baselines with the vector's lead over them and the divergence elsewhere.
// `best` and `baselines` as in sweep.json.
std::vector<std::string> baseline_lines(const Json& best,
                                        const Json& baselines);

}  // namespace veer
