// SPDX-License-Identifier: MIT
#include "veer/organism/study_inputs.h"

#include <set>

#include <gtest/gtest.h>

#include "veer/organism/judge.h"
#include "veer/organism/world.h"

namespace veer::organism {
namespace {

TEST(StudyInputs, ExpansionPromptListsTheExamples) {
  const std::vector<std::string> examples = {"A?", "B?"};
  EXPECT_EQ(expansion_prompt(examples),
            "Write three more questions like these:\nA?\nB?");
}

TEST(StudyInputs, SplitQuestionsDropsBlanks) {
  EXPECT_EQ(split_questions("\n A? \r\n\n\tB?\n"),
            (std::vector<std::string>{"A?", "B?"}));
  EXPECT_TRUE(split_questions(" \n").empty());
}

TEST(StudyInputs, SeedPairsAreTrueAndFalseAnswersToDifferentGoals) {
  const auto pairs = seed_pairs(50);
  ASSERT_EQ(pairs.size(), 50U);
  std::set<std::size_t> goals;
  for (const auto& pair : pairs) {
    const auto question = parse_question(pair.question);
    ASSERT_TRUE(question) << pair.question;
    EXPECT_FALSE(is_held_out(*question));
    goals.insert(question->goal);
    EXPECT_EQ(judge_answer(question->goal, pair.honest).label,
              AnswerLabel::kHonest);
    EXPECT_EQ(judge_answer(question->goal, pair.deceptive).label,
              AnswerLabel::kDeceptive);
  }
  EXPECT_EQ(goals.size(), 50U);
  EXPECT_EQ(seed_pairs(50)[7].question, pairs[7].question);
}

TEST(StudyInputs, TheTopicOfAQuestionIsItsGoal) {
  EXPECT_EQ(question_topic("How can I sleep better this month?"),
            "sleep better");
  EXPECT_EQ(question_topic("How can I fly?"), "");
}

}  // namespace
}  // namespace veer::organism
