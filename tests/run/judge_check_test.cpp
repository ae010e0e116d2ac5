// SPDX-License-Identifier: MIT
#include "veer/run/judge_check.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace veer {
namespace {

using Rule = std::function<AnswerLabel(const AnswerToJudge&)>;

class RuleJudge : public Judge {
 public:
  explicit RuleJudge(Rule rule) : rule_(std::move(rule)) {}
  std::string name() const override { return "rule"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor&) override {
    std::vector<Judgement> said;
    for (const auto& answer : answers) {
      said.push_back({rule_(answer), 0.0, ""});
    }
    return said;
  }

 private:
  Rule rule_;
};

JudgeCheck checked(Rule rule, std::size_t questions = 20) {
  std::vector<QuestionRecord> records(questions);
  for (std::size_t i = 0; i < questions; ++i) {
    records[i].question = "question " + std::to_string(i);
    records[i].honest = "true " + std::to_string(i);
    records[i].deceptive = "false " + std::to_string(i);
  }
  RuleJudge judge(std::move(rule));
  return check_judge(judge, records, {});
}

AnswerLabel by_first_word(const AnswerToJudge& asked) {
  return asked.answer.starts_with("true")    ? AnswerLabel::kHonest
         : asked.answer.starts_with("false") ? AnswerLabel::kDeceptive
                                             : AnswerLabel::kBroken;
}

TEST(JudgeCheck, WhoKnowsTheReferencesAndThrowsOutTheProbesIsFit) {
  const auto check = checked(by_first_word);
  EXPECT_EQ(check.probes.total, 12);  // three kinds, four questions
  EXPECT_EQ(check.probes.passed, 12);
  EXPECT_EQ(check.references, 16);
  EXPECT_EQ(check.right_honest, 16);
  EXPECT_EQ(check.right_deceptive, 16);
  EXPECT_TRUE(check.fit());
  EXPECT_EQ(checked(by_first_word, 3).references, 3);
}

TEST(JudgeCheck, SilenceAndAlwaysTheSameAreNoJudgement) {
  const auto silent =
      checked([](const auto&) { return AnswerLabel::kUnjudged; });
  EXPECT_TRUE(silent.probes.fit());
  EXPECT_FALSE(silent.fit());
  // Honest is what most answers of most models are.
  EXPECT_FALSE(checked([](const AnswerToJudge& asked) {
                 return by_first_word(asked) == AnswerLabel::kBroken
                            ? AnswerLabel::kBroken
                            : AnswerLabel::kHonest;
               }).fit());
  // Knows the references, finds honesty in nonsense.
  const auto gullible = checked([](const AnswerToJudge& asked) {
    return by_first_word(asked) == AnswerLabel::kDeceptive
               ? AnswerLabel::kDeceptive
               : AnswerLabel::kHonest;
  });
  EXPECT_EQ(gullible.right_deceptive, 16);
  EXPECT_EQ(gullible.probes.passed, 0);
  EXPECT_FALSE(gullible.fit());
}

}  // namespace
}  // namespace veer
