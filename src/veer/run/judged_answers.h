// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "veer/data/record.h"
#include "veer/metrics/judge.h"
#include "veer/run/context.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// What the judge calls the model's own greedy answers to the questions of
// `records`, each asked by the chat that `prompt` makes of it, with the adapter
// at `strength` (0 = base model). Empty without a judge that is fit.
std::vector<AnswerLabel> judged_answers(
    StudyContext& context, std::span<const QuestionRecord> records,
    double strength,
    const std::function<std::vector<ChatMessage>(const QuestionRecord&)>&
        prompt);

}  // namespace veer
