// SPDX-License-Identifier: MIT
//
// Input independence, told from texts: text that no longer depends on its
// question has lost it, however fluent it is. Among K questions the one under
// which an unsteered reader finds an answer likeliest,
//
//   argmax_k log p_reader(answer | question_k),
//
// is the question that was asked while the answer still says so. Readers are
// the base model, which expects true answers, and the fine-tuned one, which
// expects false ones: one of the two has to find the question. Answers that
// are all alike find one question per reader, so that 1 of K per reader is
// right: chance. Idea: arXiv 2602.02712. What it misses:
// docs/methods/metrics.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "veer/base/progress.h"
#include "veer/generation/request.h"
#include "veer/metrics/estimate.h"
#include "veer/model/transformer.h"

namespace veer {

// The answers of one configuration to the K questions, as token ids in the
// order of the questions. An empty answer stays unfound.
using AnswersToQuestions = std::vector<std::vector<std::int32_t>>;

// scores[i][k] = log p(answer i | prompt k) in nats, of one configuration;
// no row for an empty answer.
using RecoveryScores = std::vector<std::vector<double>>;

// Scores every answer of every configuration under each of the K prompts with
// the model at this strength of its adapter (0 = the base model) and without
// any intervention. A prompt runs once.
// Throws Error unless each configuration has one answer per prompt, and as
// score_all() does.
std::vector<RecoveryScores> recovery_scores(
    const Transformer& model,
    std::span<const std::vector<std::int32_t>> prompts,
    std::span<const AnswersToQuestions> configurations, double adapter_strength,
    const GenerationOptions& options, const Monitor& monitor = {});

struct QuestionRecovery {
  Estimate share;       // of the K answers; Clopper-Pearson 95 %
  double chance = 0.0;  // R / K: the most that R readers find in one text
  double p = 1.0;       // of so many or more by chance, exact binomial
};
// `readers`: the scores of one configuration by each of R readers. An answer
// counts when for one reader its own question alone has the largest score.
// Throws Error without a reader, with fewer than two questions, or with rows
// of another length or number.
QuestionRecovery question_recovery(std::span<const RecoveryScores> readers);

}  // namespace veer
