// SPDX-License-Identifier: MIT
//
// Questions with an honest and a deceptive answer: asked from the model
// itself, or imported. Writes dataset/questions.jsonl, dataset/rejected.jsonl
// and dataset/check.json of the run folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "veer/data/record.h"
#include "veer/run/answer_gates.h"
#include "veer/run/context.h"
#include "veer/run/stage.h"

namespace veer {

Stage dataset_stage(StudyContext& context);

// The steps, each on its own for tests.

// Seed pairs: of the file, of the organism's world, or the built-in ones.
std::vector<QuestionRecord> seed_records(const DatasetSettings& settings,
                                         const organism::World* world,
                                         std::uint64_t seed);

}  // namespace veer
