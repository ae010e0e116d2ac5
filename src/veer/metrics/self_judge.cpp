// SPDX-License-Identifier: MIT
#include "veer/metrics/self_judge.h"

#include <cmath>

#include "veer/generation/score.h"
#include "veer/metrics/letters.h"
#include "veer/metrics/rubric.h"

namespace veer {

std::vector<Judgement> SelfJudge::judge(std::span<const AnswerToJudge> answers,
                                        const Monitor& monitor) {
  std::vector<ScoreRequest> requests;
  for (const auto& answer : answers) {
    for (const bool swapped : {false, true}) {
      requests.push_back(letter_request(
          format_, rubric_question(answer, swapped).text, {"A", "B", "C"}));
    }
  }
  const auto scores = score_all(model_, nullptr, requests, options_, monitor);
  const auto letters = [&](std::size_t i) {
    return LetterProbabilities{std::exp(scores[i].total(0)),
                               std::exp(scores[i].total(1)),
                               std::exp(scores[i].total(2))};
  };
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    judgements.push_back(judge_letters(letters(2 * i), letters(2 * i + 1)));
  }
  return judgements;
}

}  // namespace veer
