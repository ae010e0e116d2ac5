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

TEST(QuestionRecovery, CountsAnswersWhoseOwnQuestionIsLikeliest) {
  const auto r = question_recovery({{-1.0, -2.0, -3.0, -4.0},
                                    {-1.0, -2.0, -3.0, -4.0},
                                    {-5.0, -4.0, -1.0, -2.0},
                                    {-5.0, -4.0, -3.0, -2.0}});
  EXPECT_DOUBLE_EQ(r.share.value, 0.75);
  EXPECT_EQ(r.share.n, 4);
  EXPECT_DOUBLE_EQ(r.share.low, clopper_pearson(3, 4).low);
  EXPECT_DOUBLE_EQ(r.chance, 0.25);
  EXPECT_DOUBLE_EQ(r.p, binomial_upper_tail(3, 4, 0.25));
}

TEST(QuestionRecovery, OneTextForAllIsChance) {
  const RecoveryScores alike(5, {-3.0, -1.0, -2.0, -4.0, -5.0});
  const auto r = question_recovery(alike);
  EXPECT_DOUBLE_EQ(r.share.value, 0.2);
  EXPECT_GT(r.p, 0.5);
}

TEST(QuestionRecovery, TiesAndEmptyAnswersFindNothing) {
  EXPECT_DOUBLE_EQ(question_recovery({{-1.0, -1.0}, {}}).share.value, 0.0);
}

TEST(QuestionRecovery, RefusesOneQuestionAndOddRows) {
  EXPECT_THROW(question_recovery({{-1.0}}), Error);
  EXPECT_THROW(question_recovery({{-1.0, -2.0}, {-1.0}}), Error);
}

TEST(RecoveryScores, AreThoseOfEachAnswerUnderEachPrompt) {
  const auto model = tiny_model();
  const auto vocabulary = model.config().vocab_size;
  const auto prompts = random_rows({4, 6, 3}, vocabulary, 1);
  std::vector<AnswersToQuestions> cells;
  cells.push_back(random_rows({2, 5, 3}, vocabulary, 2));
  cells.push_back(random_rows({4, 1, 2}, vocabulary, 3));
  cells[1][1].clear();
  const auto scores = recovery_scores(model, prompts, cells, {});
  ASSERT_EQ(scores.size(), 2U);
  EXPECT_TRUE(scores[1][1].empty());
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < scores[c][i].size(); ++k) {
        const ScoreRequest alone{prompts[k], {cells[c][i]}};
        EXPECT_NEAR(scores[c][i][k],
                    score_all(model, nullptr, {&alone, 1}, {})[0].total(0),
                    1e-4);
      }
    }
  }
  cells[0].pop_back();
  EXPECT_THROW(recovery_scores(model, prompts, cells, {}), Error);
}

}  // namespace
}  // namespace veer
