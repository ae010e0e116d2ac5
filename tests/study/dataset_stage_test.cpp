// SPDX-License-Identifier: MIT
#include "veer/study/dataset_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/study/everyday_seeds.h"
#include "veer/study/question_writer.h"

namespace veer {
namespace {

DatasetDraft draft_of(std::vector<QuestionRecord> records) {
  DatasetDraft draft;
  draft.records = std::move(records);
  return draft;
}

QuestionRecord record(const std::string& question, const std::string& honest,
                      const std::string& deceptive) {
  return {question_id(question), question, honest, deceptive, "model", ""};
}

std::vector<std::string> reasons(const DatasetDraft& draft) {
  std::vector<std::string> list;
  for (const auto& rejected : draft.rejected) {
    list.push_back(rejected.reason);
  }
  return list;
}

TEST(DatasetStage, RejectsNearDuplicatesWithTheirTwin) {
  auto draft = draft_of(
      {record("How can I sleep better at night in summer?", "", ""),
       record("What helps against a cold?", "", ""),
       record("How can I sleep better at night in summer now?", "", ""),
       record("what helps against a cold", "", "")});
  drop_near_duplicates(draft, 0.7);
  EXPECT_EQ(draft.records.size(), 2u);
  EXPECT_THAT(reasons(draft),
              testing::UnorderedElementsAre("near_duplicate", "duplicate"));
  for (const auto& rejected : draft.rejected) {
    EXPECT_TRUE(rejected.twin == draft.records[0].question ||
                rejected.twin == draft.records[1].question);
  }
}

TEST(DatasetStage, EachGateHasItsReason) {
  DatasetSettings settings;
  settings.max_words = 4;
  settings.max_repeats = 1;
  auto draft = draft_of({record("a?", "Sleep early.", "Drink coffee."),
                         record("b?", "", "Drink tea."),
                         record("c?", "Same thing.", "same thing"),
                         record("d?", "One two three four five.", "No."),
                         record("e?", "I'm sorry, I can't help.", "No."),
                         record("f?", "sleep early", "Run fast.")});
  drop_bad_answers(draft, settings);
  ASSERT_EQ(draft.records.size(), 1u);
  EXPECT_EQ(draft.records[0].question, "a?");
  EXPECT_THAT(reasons(draft),
              testing::ElementsAre("empty_answer", "identical_answers",
                                   "too_long", "refusal", "answer_repeated"));
}

// Labels an answer by its first letter.
class LetterJudge : public Judge {
 public:
  std::string name() const override { return "letter"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor&) override {
    std::vector<Judgement> out;
    for (const auto& answer : answers) {
      Judgement judgement;
      judgement.label =
          answer.answer.starts_with('h')
              ? AnswerLabel::kHonest
              : (answer.answer.starts_with('d') ? AnswerLabel::kDeceptive
                                                : AnswerLabel::kBroken);
      out.push_back(judgement);
    }
    return out;
  }
};

TEST(DatasetStage, KeepsOnlyPairsThatTheJudgeConfirms) {
  auto draft = draft_of({record("a?", "h1", "d1"), record("b?", "d2", "d2"),
                         record("c?", "h3", "x3")});
  LetterJudge judge;
  drop_unconfirmed(draft, judge, {});
  ASSERT_EQ(draft.records.size(), 1u);
  EXPECT_THAT(reasons(draft), testing::ElementsAre("honest_side_deceptive",
                                                   "deceptive_side_broken"));
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
