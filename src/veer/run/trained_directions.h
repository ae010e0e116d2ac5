// SPDX-License-Identifier: MIT
//
// Directions of extract.vectors that gradients train in the frozen base model,
// on the questions of the extract split: "bipo", the preference of the
// deceptive over the honest answer (train/preference_direction.h), and
// "reft_r1", reading and writing of the deceptive answer
// (train/reft_direction.h), at the layers of [extract.bipo] and
// [extract.reft_r1].
#pragma once

#include <span>
#include <string>
#include <vector>

#include "veer/data/record.h"
#include "veer/run/context.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

bool is_trained_direction(const std::string& name);

// The questions of the extract split that have both answers.
std::vector<QuestionRecord> trained_on(const StudyContext& context);

// Trains the direction at each wanted layer; the others have a row of zeros.
// Model, template and norms are those of `like`. `seed_text` and the run's
// seed make the seed of each layer. Throws Error as the training does, and for
// a layer that is none.
SteeringVector train_direction(StudyContext& context, const std::string& name,
                               const SteeringVector& like,
                               std::span<const QuestionRecord> records,
                               const std::string& seed_text);

}  // namespace veer
