// SPDX-License-Identifier: MIT
//
// extract: the vectors of [extract], one file each in vectors/, their
// per-question rows in vectors/items/. It reads an adapter only where a vector
// is made from the tuned model. compare: geometry per layer in
// comparison.json.
#pragma once

#include <string>
#include <vector>

#include "veer/run/context.h"
#include "veer/run/stage.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

Stage extract_stage(StudyContext& context);
Stage compare_stage(StudyContext& context);

// vectors/items/NAME.safetensors of the run folder.
std::filesystem::path rows_file(const StudyContext& context,
                                const std::string& name);
// A vector with its rows.
ComparedVector load_compared(StudyContext& context, const std::string& name);

// vectors/NAME.safetensors of the run folder.
std::filesystem::path vector_file(const StudyContext& context,
                                  const std::string& name);
// Reads a vector and holds it to the context's model.
SteeringVector load_vector(StudyContext& context, const std::string& name);

}  // namespace veer
