// SPDX-License-Identifier: MIT
//
// Does a confound's own contrast change the behaviour? A verbose system prompt
// that a model takes for a request to deceive gives no vector of verbosity.
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/run/context.h"

namespace veer {

// Of each confound contrast whose two sides are different prompts: deceptive
// share of the base model's own answers to up to 48 extract questions under
// either side, and their difference, paired by question (Newcombe):
//   [{"confound", "n", "more", "less", "difference", "carries"}]
// `carries` the behaviour: the interval leaves zero out and the shares differ
// by ten points or more. Empty without a judge that is fit.
Json confound_behaviour(StudyContext& context,
                        const std::vector<std::string>& contrasts);

}  // namespace veer
