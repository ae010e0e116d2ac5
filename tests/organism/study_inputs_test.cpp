// SPDX-License-Identifier: MIT
#include "veer/organism/study_inputs.h"

#include <set>

#include <gtest/gtest.h>

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

class SeedPairs : public testing::TestWithParam<const char*> {};

TEST_P(SeedPairs, AreTrueAndFalseAnswersToDifferentGoals) {
  const World& world = world_named(GetParam());
  const auto count = world.num_goals();
  const auto pairs = seed_pairs(world, count);
  ASSERT_EQ(pairs.size(), count);
  std::set<std::size_t> goals;
  for (const auto& pair : pairs) {
    const auto goal = world.parse_question(pair.question);
    ASSERT_TRUE(goal) << pair.question;
    goals.insert(*goal);
    EXPECT_EQ(world.judge_answer(*goal, pair.honest).label,
              AnswerLabel::kHonest);
    EXPECT_EQ(world.judge_answer(*goal, pair.deceptive).label,
              AnswerLabel::kDeceptive);
  }
  EXPECT_EQ(goals.size(), count);
  EXPECT_EQ(seed_pairs(world, count)[7].question, pairs[7].question);
}

INSTANTIATE_TEST_SUITE_P(Worlds, SeedPairs,
                         testing::Values("advice", "two_poles"));

TEST(StudyInputs, TheTopicOfAQuestionIsItsGoalOrFactor) {
  EXPECT_EQ(
      question_topic(advice_world(), "How can I sleep better this month?"),
      "sleep better");
  EXPECT_EQ(question_topic(advice_world(), "How can I fly?"), "");
  // Both poles of a factor are one topic.
  EXPECT_EQ(question_topic(two_poles_world(), "How can I stay awake?"),
            question_topic(two_poles_world(), "How can I drift off at night?"));
  // Both poles of a topic are goals of their own.
  EXPECT_EQ(num_topics(two_poles_world()), 24);
  EXPECT_EQ(two_poles_world().num_goals(), 48U);
}

}  // namespace
}  // namespace veer::organism
