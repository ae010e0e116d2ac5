// SPDX-License-Identifier: MIT
//
// Four splits, or folds where the questions are too few for them: chosen, and
// said with the keys that decide. No torch in this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/data/record.h"
#include "veer/settings/dataset_settings.h"

namespace veer {

// What the rest of the manifest asks of the questions.
struct SplitNeeds {
  // The source says the splits, and they are kept.
  bool given = false;
  // Something is fine-tuned, so that questions have to be set aside for it.
  bool training = true;
  // Vectors that are trained on the questions (bipo, reft_r1): they cannot be
  // made without a fold, so that there are no folds with them.
  std::vector<std::string> trained_vectors;
};

// How the questions were shared out.
struct SplitChoice {
  std::int64_t folds = 0;  // 0 = four splits
  std::string text;        // for people, empty with four splits
  std::string by;          // "topic", "question", or "source"
  std::string note;        // for people, where "auto" did not take topics
};

// Sets split (and fold) of every record as dataset.folds and dataset.split_by
// say; see DatasetSettings. "auto" takes topics where they give splits of
// dataset.min_split questions with kFewestUnits topics among those that make
// vectors and those that report. Given splits stay and have no folds. Throws
// Error{kBadInput}, with a setting that works for so many questions, when
// neither can be had.
SplitChoice split_questions(std::vector<QuestionRecord>& records,
                            std::uint64_t seed, const DatasetSettings& settings,
                            const SplitNeeds& needs);

// For check.json: {"count", "questions": [per fold], "train", "text"}; null
// without folds.
Json folds_json(const std::vector<QuestionRecord>& records,
                const SplitChoice& choice);

}  // namespace veer
