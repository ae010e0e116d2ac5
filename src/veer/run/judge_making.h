// SPDX-License-Identifier: MIT
//
// The one place where judges that read (a model, an endpoint) are made from
// settings: for a sweep, for the stage `judge` and for `veer judge`.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "veer/metrics/judge.h"
#include "veer/metrics/letters.h"
#include "veer/settings/judge_settings.h"

namespace veer {

// What judges are made of.
struct JudgeParts {
  std::filesystem::path run;  // keeps the replies of an endpoint
  const JudgeSettings& settings;
  // The run's base model, called when a judge needs it.
  std::function<LetterReader()> reader;
};

// "self", "choice" or "endpoint", as in judge.kind and judge.further. The same
// answer is asked about once. An endpoint announces its price, and before it
// would cost more than judge.endpoint.cost_limit since it was made, it throws
// Error; what it said before is kept. Throws Error when it cannot be made.
std::unique_ptr<Judge> make_judge(const std::string& which,
                                  const JudgeParts& parts);

// Its name: "self", "choice", "endpoint:MODEL" with what else decides about
// its judgements. Part of the fingerprints of what it judged.
std::string judge_name(const std::string& which, const JudgeSettings& settings);

// Throws Error when a judge of the settings could not be asked: a key that is
// not there. Asks nothing.
void require_judges(const JudgeSettings& settings);

}  // namespace veer
