// SPDX-License-Identifier: MIT
#include "veer/metrics/remembering_judge.h"

#include <fmt/format.h>

#include "veer/base/hash.h"

namespace veer {
namespace {

// Lengths keep the parts of one answer from being taken for those of another.
std::string key_of(const AnswerToJudge& answer) {
  return fingerprint(fmt::format(
      "{} {} {}|{}{}{}{}", answer.question.size(), answer.answer.size(),
      answer.honest_reference.size(), answer.question, answer.answer,
      answer.honest_reference, answer.deceptive_reference));
}

}  // namespace

std::vector<Judgement> RememberingJudge::judge(
    std::span<const AnswerToJudge> answers, const Monitor& monitor) {
  std::vector<std::string> keys;
  std::map<std::string, std::size_t> asked_as;
  std::vector<AnswerToJudge> asked;
  for (const auto& answer : answers) {
    keys.push_back(key_of(answer));
    if (!known_.contains(keys.back()) &&
        asked_as.try_emplace(keys.back(), asked.size()).second) {
      asked.push_back(answer);
    }
  }
  if (!asked.empty()) {
    const auto said = judge_->judge(asked, monitor);
    for (const auto& [key, at] : asked_as) {
      known_[key] = said[at];
    }
  }
  std::vector<Judgement> judgements;
  for (const auto& key : keys) {
    judgements.push_back(known_.at(key));
  }
  return judgements;
}

}  // namespace veer
