// SPDX-License-Identifier: MIT
//
// The one place where judges of a finished sweep are made from settings, for
// the stage of a study and for `veer judge`.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "veer/base/progress.h"
#include "veer/metrics/letters.h"
#include "veer/study/judge_settings.h"
#include "veer/study/judging.h"

namespace veer {

// What judges are made of.
struct JudgeParts {
  std::filesystem::path run;  // keeps the replies of an endpoint
  const JudgeSettings& settings;
  // The run's base model, called when a judge needs it.
  std::function<LetterReader()> reader;
};

// The name under which a judge of judge.further stands in judges.json.
std::string judge_name(const std::string& further,
                       const JudgeSettings& settings);

// Lets the judges `further` (as in judge.further) judge the sample, in order;
// judges.json is written after each, so that a failure costs its own judge
// only. `again`: also those that have judged it before. All are made, and the
// price of an endpoint is told and held to its limit, before the first is
// asked. Throws Error when one cannot be made, costs more, or fails.
void ask_judges(Judging& judging, std::span<const std::string> further,
                bool again, const JudgeParts& parts, const Monitor& monitor);

// Throws Error when a judge of judge.further could not be asked: a key that
// is not there. Asks nothing.
void require_judges(const JudgeSettings& settings);

// "kappa 0.81 [0.70, 0.90], n 60", "no kappa" where it is undefined. Of an
// entry of "agreement" in judges.json.
std::string kappa_text(const Json& pair);

}  // namespace veer
