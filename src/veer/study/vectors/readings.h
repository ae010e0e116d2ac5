// SPDX-License-Identifier: MIT
//
// What only the model can say about its vectors: the tokens they push, the
// answers they tell apart, how the fine-tuned one comes about while training
// and as the adapter is turned up.
#pragma once

#include <span>

#include "veer/base/json.h"
#include "veer/run/context.h"
#include "veer/vectors/extract.h"

namespace veer {

// {"lens", "detection", "trajectory", "tendency"}: docs/formats/run_folder.md,
// vectors/readings.json. `confounds` are those beside which the tendency of
// the prompt's end is shown. Leaves the adapter of the run folder attached.
Json read_vectors(StudyContext& context, std::span<const SteeringVector> made,
                  std::span<const SteeringVector> confounds);

}  // namespace veer
