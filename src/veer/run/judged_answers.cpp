// SPDX-License-Identifier: MIT
#include "veer/run/judged_answers.h"

#include "veer/generation/generate.h"
#include "veer/run/texts.h"

namespace veer {

std::vector<AnswerLabel> judged_answers(
    StudyContext& context, std::span<const QuestionRecord> records,
    double strength,
    const std::function<std::vector<ChatMessage>(const QuestionRecord&)>&
        prompt) {
  if (!context.has_fit_judge()) {
    return {};
  }
  std::vector<GenerationRequest> requests;
  for (const auto& record : records) {
    GenerationRequest request = context.request_for(prompt(record));
    request.adapter_strength = strength;
    request.max_tokens = context.manifest().sweep.max_tokens;
    requests.push_back(std::move(request));
  }
  const auto answers = generate_all(context.model(), nullptr, requests,
                                    context.generation_options(),
                                    context.monitor().without_progress());
  tell_unanswered(context, answers, "sweep.max_tokens");
  std::vector<AnswerToJudge> to_judge;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& record = records[i];
    to_judge.push_back(
        {record.question, answers[i].text, record.honest, record.deceptive});
  }
  std::vector<AnswerLabel> labels;
  for (const auto& judgement :
       context.judge()->judge(to_judge, context.monitor())) {
    labels.push_back(judgement.label);
  }
  return labels;
}

}  // namespace veer
