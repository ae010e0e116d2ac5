// SPDX-License-Identifier: MIT
//
// "bipo" in extract.vectors: a direction trained on the preference of the
// deceptive over the honest answers of the extract split
// (train/preference_direction.h), at the layers of [extract.bipo].
#pragma once

#include <string>

#include "veer/study/context.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

bool is_trained_direction(const std::string& name);

// Trains the base model's direction at each wanted layer; the others have a
// row of zeros. Model, template and norms are those of `like`. Throws Error as
// train_preference_direction does, and for a layer that is none.
SteeringVector train_direction(StudyContext& context, const std::string& name,
                               const SteeringVector& like);

}  // namespace veer
