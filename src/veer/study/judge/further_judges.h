// SPDX-License-Identifier: MIT
//
// Further judges of a finished sweep, for the stage of a study and for
// `veer judge`.
#pragma once

#include <span>
#include <string>

#include "veer/base/progress.h"
#include "veer/run/judge_making.h"
#include "veer/study/judge/judging.h"

namespace veer {

// Lets the judges `further` (as in judge.further) judge the sample, in order;
// judges.json is written after each, so that a failure costs its own judge
// only. `again`: also those that have judged it before. All are made, and the
// price of an endpoint is told and held to its limit, before the first is
// asked. Throws Error when one cannot be made, costs more, or fails.
void ask_judges(Judging& judging, std::span<const std::string> further,
                bool again, const JudgeParts& parts, const Monitor& monitor);

// "kappa 0.81 [0.70, 0.90], n 60", "no kappa" where it is undefined. Of an
// entry of "agreement" in judges.json.
std::string kappa_text(const Json& pair);

}  // namespace veer
