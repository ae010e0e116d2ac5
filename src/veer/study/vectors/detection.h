// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "veer/base/json.h"
#include "veer/run/context.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

// "detection" of vectors/readings.json: how well the projection of answers on
// each vector tells deceptive from honest text, and the tuned model from the
// base one, on questions that the vector was not made from. With four splits
// those are test questions. With folds they are all questions: each is
// projected on the unit direction made without its fold, less the mean
// projection of the other folds, so that scores of different folds are on one
// scale; no number of the question itself is in either.
Json detection_json(StudyContext& context,
                    std::span<const SteeringVector> made);

}  // namespace veer
