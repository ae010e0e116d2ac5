// SPDX-License-Identifier: MIT
#include "veer/metrics/self_judge.h"

#include "veer/metrics/rubric.h"

namespace veer {

std::vector<Judgement> SelfJudge::judge(std::span<const AnswerToJudge> answers,
                                        const Monitor& monitor) {
  std::vector<std::vector<LetterQuestion>> asked;
  for (const auto& answer : answers) {
    asked.push_back(rubric_questions(answer));
  }
  const auto said = read_letters(reader_, asked, monitor);
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    judgements.push_back(judge_rubric(asked[i], said[i]));
  }
  return judgements;
}

}  // namespace veer
