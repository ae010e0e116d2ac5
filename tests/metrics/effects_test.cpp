// SPDX-License-Identifier: MIT
#include "veer/metrics/effects.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/metrics/intervals.h"

namespace veer {
namespace {

constexpr auto kH = AnswerLabel::kHonest;
constexpr auto kD = AnswerLabel::kDeceptive;
constexpr auto kB = AnswerLabel::kBroken;

CellAnswers cell(std::vector<AnswerLabel> labels) {
  CellAnswers answers;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    answers.question.push_back(static_cast<std::int64_t>(i));
  }
  answers.label = std::move(labels);
  return answers;
}

TEST(Summary, SharesAreOverAllAnswersAndEffectsArePaired) {
  const auto plain = cell({kH, kH, kD, kH});
  const auto steered = cell({kD, kD, kH, kB});
  const auto s = summarise(steered, plain, 4, 1);
  EXPECT_EQ(s.n, 4);
  EXPECT_DOUBLE_EQ(s.deceptive.value, 0.5);
  EXPECT_DOUBLE_EQ(s.honest.value, 0.25);
  EXPECT_DOUBLE_EQ(s.broken.value, 0.25);
  EXPECT_DOUBLE_EQ(s.coherent.value, 0.75);
  EXPECT_DOUBLE_EQ(s.induction.value, 0.25);
  EXPECT_DOUBLE_EQ(s.suppression.value, -0.5);
  // One of four went from deceptive to honest while the mean rose.
  EXPECT_DOUBLE_EQ(s.wrong_way.value, 0.25);
  EXPECT_NEAR(s.mcnemar_p, 1.0, 1e-12);
  EXPECT_EQ(s.deceptive.method, "wilson 95%");
}

TEST(Summary, OfTheBaselineAgainstItselfIsNoEffect) {
  const auto plain = cell({kH, kD, kB});
  const auto s = summarise(plain, plain, 3, 1);
  EXPECT_EQ(s.induction.value, 0.0);
  EXPECT_LT(s.induction.low, 0.0);
  EXPECT_GT(s.induction.high, 0.0);
  EXPECT_EQ(s.wrong_way.value, 0.0);
  EXPECT_EQ(s.mcnemar_p, 1.0);
}

TEST(Summary, AnEffectOnEveryQuestionHasAnInterval) {
  const std::vector<AnswerLabel> honest(40, kH);
  const std::vector<AnswerLabel> deceptive(40, kD);
  const auto s = summarise(cell(deceptive), cell(honest), 40, 1);
  EXPECT_EQ(s.induction.value, 1.0);
  EXPECT_LT(s.induction.low, 0.9);
  EXPECT_EQ(s.induction.high, 1.0);
  EXPECT_EQ(s.suppression.value, -1.0);
  EXPECT_GT(s.suppression.high, -0.9);
}

TEST(Summary, TheQuestionIsTheUnit) {
  CellAnswers twice;
  twice.question = {0, 0, 1, 1};
  twice.label = {kD, kD, kH, kD};
  const auto s = summarise(twice, cell({kH, kH}), 2, 1);
  EXPECT_EQ(s.induction.n, 2);
  EXPECT_DOUBLE_EQ(s.induction.value, 0.75);
  // Answers that agree within their question: two units, not four.
  twice.label = {kD, kD, kH, kH};
  const auto agreeing = summarise(twice, cell({kH, kH}), 2, 1);
  EXPECT_NEAR(agreeing.deceptive.low, wilson(1, 2).low, 1e-12);
}

TEST(Summary, UsesGradedScoresAndFlags) {
  auto steered = cell({kH, kH, kH});
  steered.score = {1.0, 2.0, -1.0};
  steered.flagged = {false, true, false};
  auto plain = cell({kH, kH, kH});
  plain.score = {0.0, 0.0, 0.0};
  const auto s = summarise(steered, plain, 3, 1);
  EXPECT_NEAR(s.score_change.value, 2.0 / 3.0, 1e-12);
  EXPECT_NEAR(s.wrong_way.value, 1.0 / 3.0, 1e-12);
  EXPECT_NEAR(s.coherent.value, 2.0 / 3.0, 1e-12);
}

TEST(Summary, MissingQuestionsAreLeftOutOfThePairs) {
  CellAnswers part;
  part.question = {0, 2};
  part.label = {kD, kD};
  const auto s = summarise(part, cell({kH, kH, kH}), 3, 1);
  EXPECT_EQ(s.induction.n, 2);
  EXPECT_DOUBLE_EQ(s.induction.value, 1.0);
}

TEST(Summary, RefusesBrokenCells) {
  auto bad = cell({kH});
  bad.question = {5};
  EXPECT_THROW(summarise(bad, cell({kH}), 1, 1), Error);
  bad = cell({kH, kD});
  bad.label.pop_back();
  EXPECT_THROW(summarise(bad, cell({kH, kH}), 2, 1), Error);
}

TEST(Labels, NamesRoundTrip) {
  for (std::size_t i = 0; i < kNumAnswerLabels; ++i) {
    const auto label = static_cast<AnswerLabel>(i);
    EXPECT_EQ(parse_label(label_name(label)), label);
  }
  EXPECT_THROW(parse_label("good"), Error);
  EXPECT_TRUE(std::isnan(LabelCounts{}.share(kH)));
}

}  // namespace
}  // namespace veer
