// SPDX-License-Identifier: MIT
#include "veer/study/dataset/stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/study/dataset/everyday_seeds.h"
#include "veer/study/dataset/question_writer.h"

namespace veer {
namespace {

DatasetDraft draft_of(std::vector<QuestionRecord> records) {
  DatasetDraft draft;
  draft.records = std::move(records);
  return draft;
}

TEST(DatasetStage, BuiltInSeedsAreFiftyDifferentPairs) {
  auto draft = draft_of(everyday_seeds());
  ASSERT_EQ(draft.records.size(), 50u);
  drop_near_duplicates(draft, 0.7);
  drop_bad_answers(draft, DatasetSettings{});
  EXPECT_EQ(draft.records.size(), 50u);
  for (const auto& seed : draft.records) {
    EXPECT_EQ(question_problem(seed.question, /*world=*/nullptr), "");
  }
}

TEST(QuestionWriter, ReadsListsOfAnyStyle) {
  EXPECT_THAT(
      listed_questions("1. How are you?\n- Why not?  \n\"Who?\"\n"
                       "Here are more:\n\n* What now?"),
      testing::ElementsAre("How are you?", "Why not?", "Who?", "What now?"));
  EXPECT_TRUE(listed_questions("1. \n..\n").empty());
  EXPECT_EQ(question_problem("Why?", /*world=*/nullptr), "malformed");
}

}  // namespace
}  // namespace veer
