// SPDX-License-Identifier: MIT
//
// judge.further: judges of a sample of the sweep's answers, with their
// agreement, in judges.json.
#pragma once

#include "veer/run/context.h"
#include "veer/run/stage.h"

namespace veer {

// Goes on where it was stopped: with the judges that have not judged yet, and
// within an endpoint with the replies that it has not given yet.
Stage judge_stage(StudyContext& context);

}  // namespace veer
