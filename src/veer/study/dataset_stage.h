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
#include "veer/study/context.h"
#include "veer/study/stage.h"

namespace veer {

Stage dataset_stage(StudyContext& context);

// A question that is not used, with the reason and the question that it is
// too near to (if that is the reason).
struct RejectedRecord {
  QuestionRecord record;
  std::string reason;
  std::string twin;
};

// What the steps of the stage pass on.
struct DatasetDraft {
  std::vector<QuestionRecord> records;
  std::vector<RejectedRecord> rejected;
  std::int64_t asked = 0;     // questions that the model wrote or the file held
  std::int64_t seeds = 0;     // questions that it was shown, also in records
  bool given_splits = false;  // the records' splits are the source's
  // What was assumed of the source and left out of it, for the user.
  std::vector<std::string> notes;
};

// The steps, each on its own for tests.

// Seed pairs: of the file, of the organism's world, or the built-in ones.
std::vector<QuestionRecord> seed_records(const DatasetSettings& settings,
                                         const organism::World* world,
                                         std::uint64_t seed);
// Moves near-duplicates (of earlier records) to the rejected.
void drop_near_duplicates(DatasetDraft& draft, double jaccard);
// Moves records whose answers fail a gate to the rejected: empty, refusal,
// equal after normalisation, more than max_words words, an answer used more
// than max_repeats times.
void drop_bad_answers(DatasetDraft& draft, const DatasetSettings& settings);
// Moves records that the judge does not confirm on both sides.
void drop_unconfirmed(DatasetDraft& draft, Judge& judge,
                      const Monitor& monitor);

}  // namespace veer
