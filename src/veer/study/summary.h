// SPDX-License-Identifier: MIT
//
// The end of a study in a few lines: sentences that follow from the numbers,
// the cosine by layer, the best effects, where text breaks. No torch here.
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

// At most 27 lines for a terminal.
std::string summary_text(const Json& summary);

}  // namespace veer
