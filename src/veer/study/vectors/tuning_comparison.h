// SPDX-License-Identifier: MIT
//
// What the further fine-tunes say about the study's own: "seeds", "twin" and
// "control_tunings" of comparison.json (docs/formats/run_folder.md).
#pragma once

#include <span>

#include "veer/base/json.h"
#include "veer/run/context.h"
#include "veer/vectors/compare.h"

namespace veer {

// Puts the keys into `document`. `vectors`: those of the study with rows.
void compare_tunings(StudyContext& context,
                     std::span<const ComparedVector> vectors, double confidence,
                     Json& document);

}  // namespace veer
