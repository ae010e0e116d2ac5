// SPDX-License-Identifier: MIT
//
// The questions of a user's own file, for the dataset stage.
#pragma once

#include <string>
#include <vector>

#include "veer/data/record.h"
#include "veer/data/sources.h"
#include "veer/settings/dataset_settings.h"

namespace veer {

// How [dataset] says that a source is read.
SourceOptions source_options(const DatasetSettings& settings);

struct ImportedQuestions {
  std::vector<QuestionRecord> records;
  // The records' splits are the source's; otherwise all are empty.
  bool given_splits = false;
  // What was assumed and left out, for the user and for check.json.
  std::vector<std::string> notes;
};

// Reads dataset.source. Throws Error{kBadInput} as read_questions() does, and
// for splits that are no whole set.
ImportedQuestions import_questions(const DatasetSettings& settings);

}  // namespace veer
