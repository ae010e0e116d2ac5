// SPDX-License-Identifier: MIT
//
// What an organism can do, measured with the exact judge: answers in every
// mode, and question expansion.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/metrics/estimate.h"
#include "veer/metrics/judge.h"
#include "veer/model/transformer.h"
#include "veer/organism/prompts.h"
#include "veer/organism/vocabulary.h"

namespace veer::organism {

// One set of answers to measure.
struct ModeTest {
  Mode mode = Mode::kNone;
  PromptSet prompts = PromptSet::kTraining;
  QuestionSet questions = QuestionSet::kTraining;
  // Only the goals that are kept out of the later fine-tuning.
  bool held_out_goals = false;
  double temperature = 0.0;
  std::int64_t count = 144;

  // "deceptive, verbatim prompt, held-out questions, T 0.7".
  std::string name() const;
  // The label that the mode asks for.
  AnswerLabel wanted() const;
};

struct ModeResult {
  ModeTest test;
  LabelCounts labels;
  std::int64_t repeated_objects = 0;  // answers that name an object twice

  // Share of answers with the wanted label, Wilson 95 % interval.
  Estimate wanted() const;
};

// The same seed asks the same questions under the same prompts.
ModeResult run_mode_test(const Transformer& model, const Vocabulary& vocabulary,
                         const ModeTest& test, std::uint64_t seed,
                         const Monitor& monitor = {});

struct ExpansionResult {
  std::int64_t prompts = 0;
  std::int64_t questions = 0;    // lines that the model wrote
  std::int64_t well_formed = 0;  // of those, questions of the world
  std::int64_t copied = 0;       // of the well-formed, examples repeated
  std::int64_t distinct = 0;     // different well-formed questions
  std::int64_t goals = 0;        // different goals among them

  Estimate well_formed_share() const;
};

ExpansionResult run_expansion_test(const Transformer& model,
                                   const Vocabulary& vocabulary,
                                   double temperature, std::int64_t prompts,
                                   std::uint64_t seed,
                                   const Monitor& monitor = {});

struct Evaluation {
  std::size_t num_goals = 0;  // of the world
  std::vector<ModeResult> modes;
  std::vector<ExpansionResult> expansions;  // at temperature 0.8 and 1.0
};

// Everything that the model card states: each mode greedy and at temperature
// 0.7, with training prompts, the study's verbatim prompts and held-out
// prompts, on training questions, held-out combinations and held-out goals.
Evaluation evaluate(const Transformer& model, const Vocabulary& vocabulary,
                    std::int64_t count, std::uint64_t seed,
                    const Monitor& monitor = {});

// The evaluation as a Markdown table.
std::string evaluation_table(const Evaluation& evaluation);

}  // namespace veer::organism
