// SPDX-License-Identifier: MIT
//
// The answers that each fine-tune learns for the same questions. What they are
// and why: docs/methods/finetuning.md, "Controls".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "veer/run/context.h"
#include "veer/run/tunings.h"
#include "veer/train/sft.h"

namespace veer {

struct AnsweredQuestions {
  // Records whose `deceptive` is the answer to learn.
  std::vector<QuestionRecord> records;
  // Why there is nothing to train on; empty when there is.
  std::string left_out;
};

// Each question of `records` with the answer that `answers` ("deceptive",
// "honest", "shuffled", "unprompted") stands for. Questions without one are
// left out; of "unprompted" everything is, with the reason, where fewer than
// half of the questions have one. `part` names what is asked of the model,
// whose texts are kept until the stage is done.
AnsweredQuestions answered_by(StudyContext& context, const std::string& answers,
                              std::vector<QuestionRecord> records,
                              const std::string& part);

// Question and answer to learn as the model's chat format lays them out.
std::vector<SftExample> training_examples(
    const ChatFormat& format, std::span<const QuestionRecord> records);

}  // namespace veer
