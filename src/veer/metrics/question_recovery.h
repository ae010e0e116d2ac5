// SPDX-License-Identifier: MIT
//
// Input independence, told from texts: text that no longer depends on its
// question has lost it, however fluent it is. Among K questions the one under
// which the unsteered base model finds an answer likeliest,
//
//   argmax_k log p_base(answer | question_k),
//
// is the question that was asked while the answer still says so. Answers that
// are all alike find one question, so that 1 of K is right: chance.
// Idea: arXiv 2602.02712. What it misses: docs/methods/metrics.md.
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
// the model as it is: no intervention, adapter off. A prompt runs once.
// Throws Error unless each configuration has one answer per prompt, and as
// score_all() does.
std::vector<RecoveryScores> recovery_scores(
    const Transformer& model,
    std::span<const std::vector<std::int32_t>> prompts,
    std::span<const AnswersToQuestions> configurations,
    const GenerationOptions& options, const Monitor& monitor = {});

struct QuestionRecovery {
  Estimate share;       // of the K answers; Clopper-Pearson 95 %
  double chance = 0.0;  // 1 / K
  double p = 1.0;       // of so many or more by chance, exact binomial
};
// An answer counts when its own question alone has the largest score. Throws
// Error with fewer than two questions or a row of another length.
QuestionRecovery question_recovery(const RecoveryScores& scores_KK);

}  // namespace veer
