// SPDX-License-Identifier: MIT
#include "veer/metrics/question_recovery.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/generation/score.h"
#include "veer/metrics/binomial.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "question recovery";

void require_square(const RecoveryScores& scores_KK, std::size_t count) {
  if (scores_KK.size() != count) {
    fail(kTask, fmt::format("{} and {} answers", scores_KK.size(), count),
         "the same answers for every reader");
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!scores_KK[i].empty() && scores_KK[i].size() != count) {
      fail(kTask, fmt::format("{} scores of answer {}", scores_KK[i].size(), i),
           fmt::format("one under each of the {} questions", count));
    }
  }
}

bool finds_its_question(const RecoveryScores& scores_KK, std::size_t own) {
  const auto& scores = scores_KK[own];
  return !scores.empty() && std::ranges::count_if(scores, [&](double x) {
                              return x >= scores[own];
                            }) == 1;
}

}  // namespace

std::vector<RecoveryScores> recovery_scores(
    const Transformer& model,
    std::span<const std::vector<std::int32_t>> prompts,
    std::span<const AnswersToQuestions> configurations, double adapter_strength,
    const GenerationOptions& options, const Monitor& monitor) {
  std::vector<RecoveryScores> scores;
  std::vector<std::vector<std::int32_t>> answers;
  for (const auto& configuration : configurations) {
    if (configuration.size() != prompts.size()) {
      fail(kTask,
           fmt::format("{} answers to {} questions", configuration.size(),
                       prompts.size()),
           "one answer per question");
    }
    scores.emplace_back(prompts.size());
    std::ranges::copy_if(configuration, std::back_inserter(answers),
                         [](const auto& answer) { return !answer.empty(); });
  }
  if (answers.empty()) {
    return scores;
  }
  std::vector<ScoreRequest> requests;
  for (const auto& prompt : prompts) {
    requests.push_back(
        {prompt, answers, /*configuration=*/-1, adapter_strength});
  }
  const auto under = score_all(model, nullptr, requests, options, monitor);
  std::size_t at = 0;
  for (std::size_t c = 0; c < scores.size(); ++c) {
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      if (configurations[c][i].empty()) {
        continue;
      }
      for (const auto& own : under) {
        scores[c][i].push_back(own.total(at));
      }
      ++at;
    }
  }
  return scores;
}

QuestionRecovery question_recovery(std::span<const RecoveryScores> readers) {
  const std::size_t count = readers.empty() ? 0 : readers.front().size();
  if (count < 2) {
    fail(kTask,
         fmt::format("{} readers of {} questions", readers.size(), count),
         "a reader of at least two");
  }
  for (const auto& scores_KK : readers) {
    require_square(scores_KK, count);
  }
  std::int64_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    found += std::ranges::any_of(readers,
                                 [&](const RecoveryScores& scores_KK) {
                                   return finds_its_question(scores_KK, i);
                                 })
                 ? 1
                 : 0;
  }
  QuestionRecovery result;
  const auto total = static_cast<std::int64_t>(count);
  result.share = clopper_pearson(found, total);
  result.chance = std::min(
      1.0, static_cast<double>(readers.size()) / static_cast<double>(count));
  result.p = binomial_upper_tail(found, total, result.chance);
  return result;
}

}  // namespace veer
