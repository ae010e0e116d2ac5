// SPDX-License-Identifier: MIT
//
// Trained directions ("bipo", "reft_r1") made anew on each of two disjoint
// halves of their questions (`extract.trained_halves`), for their reliability:
// vectors/halves/NAME.a.safetensors and NAME.b.safetensors.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "veer/base/json.h"
#include "veer/run/context.h"
#include "veer/vectors/fixed_directions.h"

namespace veer {

// The records at random in two halves, in each of them in the order given.
// Questions of one unit are in the same half, unless one unit holds more than a
// quarter of all; where all stand alone the first half has the smaller number.
// The same seed gives the same halves.
std::pair<std::vector<QuestionRecord>, std::vector<QuestionRecord>> two_halves(
    std::span<const QuestionRecord> records, std::uint64_t seed);

// `name` trained on each half of `records`, otherwise as train_direction() does
// on all of them, each half with a seed of its own. Both of them or, with fewer
// than six questions, none.
std::vector<SteeringVector> train_halves(
    StudyContext& context, const std::string& name, const SteeringVector& like,
    std::span<const QuestionRecord> records);

// Trains and writes those that the manifest asks for.
void write_trained_halves(StudyContext& context, const SteeringVector& like);
// False when a trained direction of the manifest should have halves that are
// not there.
bool trained_halves_present(const StudyContext& context);
// Of the files that compare reads; null without any.
Json trained_halves_fingerprint(const StudyContext& context);

// The direction with its halves, where it has them.
FixedDirection load_direction(StudyContext& context, const std::string& name);

}  // namespace veer
