// SPDX-License-Identifier: MIT
//
// The end of a study in a few lines: each of its questions with a plain answer,
// the numbers behind it, the cosine by layer, the effects, where text breaks.
// No torch here.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

class StudyContext;

// summary.json from comparison.json, sweep.json, hypotheses.json and
// metrics.jsonl of the run folder.
void write_summary(StudyContext& context, const Json& run);

// What the summary has to say of the run itself.
struct SummaryFacts {
  std::string model;         // model.path
  bool from_prompt = false;  // tuned on answers written under the contrast
  std::string registered;    // registration_sentence(), empty: never
  std::string topics;        // topics_sentence()
};

// The document without "run", from the others; an empty object stands for one
// that is not there.
Json summarise_study(const Json& comparison, const Json& sweep,
                     const Json& hypotheses, const SummaryFacts& facts = {});

// The lines for a terminal: first the questions with their answers, then their
// numbers, then the tables. Lines of prose are to be wrapped, those of tables
// fit into 80 columns.
std::string summary_text(const Json& summary);

}  // namespace veer
