// SPDX-License-Identifier: MIT
//
// vectors x operators x units x scales x layers x models on test questions:
// the grid is run, the best cells are chosen on select questions, confirmed
// on test with random controls, and everything is summed up in sweep.json.
#pragma once

#include "veer/run/context.h"
#include "veer/run/stage.h"

namespace veer {

Stage sweep_stage(StudyContext& context);

}  // namespace veer
