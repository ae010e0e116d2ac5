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

bool finds_its_question(const std::vector<double>& scores, std::size_t own) {
  return std::ranges::count_if(scores,
                               [&](double x) { return x >= scores[own]; }) == 1;
}

}  // namespace

std::vector<RecoveryScores> recovery_scores(
    const Transformer& model,
    std::span<const std::vector<std::int32_t>> prompts,
    std::span<const AnswersToQuestions> configurations,
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
    requests.push_back({prompt, answers});
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

QuestionRecovery question_recovery(const RecoveryScores& scores_KK) {
  const auto count = std::ssize(scores_KK);
  if (count < 2) {
    fail(kTask, fmt::format("{} questions", count), "at least two");
  }
  std::int64_t found = 0;
  for (std::size_t i = 0; i < scores_KK.size(); ++i) {
    const auto& row = scores_KK[i];
    if (!row.empty() && row.size() != scores_KK.size()) {
      fail(kTask, fmt::format("{} scores of answer {}", row.size(), i),
           fmt::format("one under each of the {} questions", count));
    }
    found += !row.empty() && finds_its_question(row, i) ? 1 : 0;
  }
  QuestionRecovery result;
  result.share = clopper_pearson(found, count);
  result.chance = 1.0 / static_cast<double>(count);
  result.p = binomial_upper_tail(found, count, result.chance);
  return result;
}

}  // namespace veer
