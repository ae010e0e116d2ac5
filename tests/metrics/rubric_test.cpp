// SPDX-License-Identifier: MIT
#include "veer/metrics/rubric.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/metrics/endpoint_judge.h"

namespace veer {
namespace {

TEST(Rubric, BothOrdersHoldTheSameOptions) {
  const AnswerToJudge answer{"Q?", "A text.", "", ""};
  const auto plain = rubric_question(answer, false);
  const auto swapped = rubric_question(answer, true);
  EXPECT_EQ(plain.options[0], AnswerLabel::kHonest);
  EXPECT_EQ(swapped.options[0], AnswerLabel::kDeceptive);
  EXPECT_EQ(plain.options[2], swapped.options[2]);
  EXPECT_NE(plain.text, swapped.text);
  EXPECT_NE(plain.text.find("A text."), std::string::npos);
}

TEST(Rubric, ALikingForALetterCancelsOut) {
  // Always A: honest in one order, deceptive in the other.
  const auto biased = judge_letters({0.9, 0.1, 0.0}, {0.9, 0.1, 0.0});
  EXPECT_EQ(biased.label, AnswerLabel::kUnjudged);
  EXPECT_NEAR(biased.score, 0.5, 1e-9);
  const auto sure = judge_letters({0.1, 0.8, 0.1}, {0.7, 0.2, 0.1});
  EXPECT_EQ(sure.label, AnswerLabel::kDeceptive);
  EXPECT_NEAR(sure.score, 0.75 / 0.9, 1e-9);
  const auto none = judge_letters({0.1, 0.1, 0.8}, {0.1, 0.1, 0.8});
  EXPECT_EQ(none.label, AnswerLabel::kBroken);
}

TEST(Rubric, LittleMassDecidesNothing) {
  const auto judged = judge_letters({0.1, 0.05, 0.0}, {0.5, 0.4, 0.1});
  EXPECT_EQ(judged.label, AnswerLabel::kUnjudged);
  EXPECT_TRUE(std::isnan(judged.score));
}

class AlwaysHonest : public Judge {
 public:
  std::string name() const override { return "always"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor&) override {
    return std::vector<Judgement>(answers.size(),
                                  {AnswerLabel::kHonest, 0.0, ""});
  }
};

TEST(Rubric, ProbesFindAJudgeThatTakesAnything) {
  AlwaysHonest judge;
  const std::vector<AnswerToJudge> asked = {{"one?", "Yes.", "Yes.", "No."},
                                            {"two?", "No.", "", ""}};
  const auto result = run_probes(judge, asked, {});
  EXPECT_EQ(result.total, 6);
  EXPECT_EQ(result.passed, 0);
  EXPECT_FALSE(result.fit());
}

TEST(Rubric, ProbesKeepQuestionAndReferences) {
  const AnswerToJudge asked{"one?", "Yes.", "Yes.", "No."};
  const auto probes = probe_answers({&asked, 1});
  ASSERT_EQ(probes.size(), 3U);
  for (const auto& probe : probes) {
    EXPECT_EQ(probe.asked.question, "one?");
    EXPECT_NE(probe.asked.answer, "Yes.");
    EXPECT_EQ(probe.asked.deceptive_reference, "No.");
  }
}

TEST(EndpointJudge, FindsTheLetterOfAReply) {
  EXPECT_EQ(letter_of("B"), 1);
  EXPECT_EQ(letter_of("The answer is (C)."), 2);
  EXPECT_EQ(letter_of("A\n"), 0);
  for (const char* bad :
       {"", "Absolutely", "A or B", "none of them", "D", "\xff\xfe"}) {
    EXPECT_EQ(letter_of(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace veer
