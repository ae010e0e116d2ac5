// SPDX-License-Identifier: MIT
//
// Log-probabilities of given answers after a prompt, under any intervention
// and adapter strength. The prompt is run once for all its answers, and once
// for all configurations that leave it alone.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "veer/base/progress.h"
#include "veer/generation/request.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"

namespace veer {

struct ScoreRequest {
  std::vector<std::int32_t> prompt;
  std::vector<std::vector<std::int32_t>> answers;  // incl. end-of-turn
  std::int64_t configuration = -1;
  double adapter_strength = 0.0;
  double donor_strength = 1.0;  // when the configuration patches
  PositionRange thinking;       // of the prompt's think block
};

struct AnswerScores {
  std::int64_t request = 0;
  // log p(a_t | prompt, a_<t) per answer and token, natural log, fp32. NaN
  // where the logits of a steered request are not finite.
  std::vector<std::vector<float>> log_probs;

  // NaN where one of the tokens' is.
  double total(std::size_t answer) const;
  double mean(std::size_t answer) const;  // per token
};

// Scores every request; results arrive through `sink` in groups, in order.
// Throws Error as generate() does, also on non-finite logits of an unsteered
// request, and on an empty answer.
// `options`: max_rows, max_prefill_tokens, delivery.
void score_answers(const Transformer& model, InterventionTable* table,
                   std::span<const ScoreRequest> requests,
                   const GenerationOptions& options,
                   const std::function<void(std::vector<AnswerScores>)>& sink,
                   const Monitor& monitor = {});

std::vector<AnswerScores> score_all(const Transformer& model,
                                    InterventionTable* table,
                                    std::span<const ScoreRequest> requests,
                                    const GenerationOptions& options,
                                    const Monitor& monitor = {});

}  // namespace veer
