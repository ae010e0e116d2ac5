// SPDX-License-Identifier: MIT
#include "veer/metrics/question_recovery.h"

#include <cmath>

#include <gtest/gtest.h>

#include "generation/support.h"
#include "veer/base/error.h"
#include "veer/generation/score.h"
#include "veer/metrics/binomial.h"

namespace veer {
namespace {

QuestionRecovery of(const std::vector<RecoveryScores>& readers) {
  return question_recovery(readers);
}

TEST(QuestionRecovery, CountsAnswersWhoseOwnQuestionIsLikeliest) {
  const auto r = of({{{-1.0, -2.0, -3.0, -4.0},
                      {-1.0, -2.0, -3.0, -4.0},
                      {-5.0, -4.0, -1.0, -2.0},
                      {-5.0, -4.0, -3.0, -2.0}}});
  EXPECT_DOUBLE_EQ(r.share.value, 0.75);
  EXPECT_EQ(r.share.n, 4);
  EXPECT_DOUBLE_EQ(r.share.low, clopper_pearson(3, 4).low);
  EXPECT_DOUBLE_EQ(r.chance, 0.25);
  EXPECT_DOUBLE_EQ(r.p, binomial_upper_tail(3, 4, 0.25));
}

TEST(QuestionRecovery, OneTextForAllIsChance) {
  const RecoveryScores alike(5, {-3.0, -1.0, -2.0, -4.0, -5.0});
  const auto r = of({alike});
  EXPECT_DOUBLE_EQ(r.share.value, 0.2);
  EXPECT_GT(r.p, 0.5);
}

TEST(QuestionRecovery, OneOfTheReadersHasToFindTheQuestion) {
  // The first takes every answer for the next question's: false answers.
  const RecoveryScores expects_truth = {
      {-2.0, -1.0, -9.0}, {-9.0, -2.0, -1.0}, {-1.0, -9.0, -2.0}};
  const RecoveryScores expects_lies = {
      {-1.0, -2.0, -9.0}, {-9.0, -1.0, -2.0}, {-9.0, -1.0, -2.0}};
  EXPECT_DOUBLE_EQ(of({expects_truth}).share.value, 0.0);
  const auto both = of({expects_truth, expects_lies});
  EXPECT_DOUBLE_EQ(both.share.value, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(both.chance, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(both.p, binomial_upper_tail(2, 3, 2.0 / 3.0));
}

TEST(QuestionRecovery, OneTextForAllFindsOneQuestionPerReader) {
  const RecoveryScores one(8, {-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0});
  const RecoveryScores other(8,
                             {-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0});
  const auto r = of({one, other});
  EXPECT_DOUBLE_EQ(r.share.value, r.chance);
  EXPECT_GT(r.p, 0.5);
}

TEST(QuestionRecovery, TiesAndEmptyAnswersFindNothing) {
  EXPECT_DOUBLE_EQ(of({{{-1.0, -1.0}, {}}}).share.value, 0.0);
}

TEST(QuestionRecovery, RefusesOneQuestionAndOddRows) {
  EXPECT_THROW(of({}), Error);
  EXPECT_THROW(of({{{-1.0}}}), Error);
  EXPECT_THROW(of({{{-1.0, -2.0}, {-1.0}}}), Error);
  EXPECT_THROW(of({{{-1.0, -2.0}, {}}, {{-1.0, -2.0}}}), Error);
}

TEST(RecoveryScores, AreThoseOfEachAnswerUnderEachPrompt) {
  auto model = tiny_model();
  model.attach(random_full_adapter(model, 2, 5));
  const auto vocabulary = model.config().vocab_size;
  const auto prompts = random_rows({4, 6, 3}, vocabulary, 1);
  std::vector<AnswersToQuestions> cells;
  cells.push_back(random_rows({2, 5, 3}, vocabulary, 2));
  cells.push_back(random_rows({4, 1, 2}, vocabulary, 3));
  cells[1][1].clear();
  for (const double strength : {0.0, 1.0}) {
    const auto scores = recovery_scores(model, prompts, cells, strength, {});
    ASSERT_EQ(scores.size(), 2U);
    EXPECT_TRUE(scores[1][1].empty());
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t k = 0; k < scores[c][i].size(); ++k) {
          const ScoreRequest alone{prompts[k], {cells[c][i]}, -1, strength};
          EXPECT_NEAR(scores[c][i][k],
                      score_all(model, nullptr, {&alone, 1}, {})[0].total(0),
                      1e-4);
        }
      }
    }
  }
  cells[0].pop_back();
  EXPECT_THROW(recovery_scores(model, prompts, cells, 0.0, {}), Error);
}

}  // namespace
}  // namespace veer
