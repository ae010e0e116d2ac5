// SPDX-License-Identifier: MIT
#include "veer/data/question_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

using testing::HasSubstr;

QuestionRecord about(int i, const std::string& honest,
                     const std::string& deceptive,
                     const std::string& topic = "") {
  QuestionRecord record;
  record.question = "What of thing " + std::to_string(i) + " and of " +
                    std::to_string(i * i + 100) + "?";
  record.id = "q" + std::to_string(i);
  record.honest = honest;
  record.deceptive = deceptive;
  record.topic = topic;
  record.split = i % 2 == 0 ? "extract" : "test";
  return record;
}

// Different answers each.
std::vector<QuestionRecord> apart(int count) {
  std::vector<QuestionRecord> out;
  for (int i = 0; i < count; ++i) {
    out.push_back(about(i, "Use the tool " + std::to_string(i),
                        "Break the tool " + std::to_string(i)));
  }
  return out;
}

TEST(QuestionUnits, AreQuestionsWhereNothingIsAlike) {
  auto records = apart(40);
  const auto choice = assign_units(records, 0.7);
  EXPECT_EQ(choice.kind, "question");
  EXPECT_EQ(choice.units, 40);
  EXPECT_EQ(unit_names(records)[3], "q3");
}

TEST(QuestionUnits, JoinEqualPairsOfAnswersAndNearDuplicates) {
  auto records = apart(40);
  records[5].honest = "Boil the water!";
  records[5].deceptive = "Drink it raw.";
  records[9].honest = "boil the water";
  records[9].deceptive = "drink it raw";
  records[11].question = records[9].question + " now";
  // One answer alone binds nothing.
  records[20].honest = "boil the water";
  const auto choice = assign_units(records, 0.5);
  EXPECT_EQ(choice.kind, "cluster");
  EXPECT_EQ(choice.units, 38);
  EXPECT_EQ(choice.largest, 3);
  EXPECT_EQ(records[5].unit, records[9].unit);
  EXPECT_EQ(records[5].unit, records[11].unit);
  EXPECT_NE(records[5].unit, records[20].unit);
  EXPECT_THAT(choice.text, HasSubstr("over 38 clusters"));
}

TEST(QuestionUnits, AnswersOfAFormatBindNothing) {
  auto records = apart(60);
  for (int i = 0; i < 6; ++i) {
    records[i].honest = "Yes";
    records[i].deceptive = "No.";
    // Both ways round, in any language.
    records[10 + i].honest = i % 2 == 0 ? "Ja, sicher" : "Nein, nie";
    records[10 + i].deceptive = i % 2 == 0 ? "Nein, nie" : "Ja, sicher";
  }
  for (int i = 20; i < 40; ++i) {  // more than one in twenty
    records[i].honest = "It depends";
    records[i].deceptive = "It never does";
  }
  const auto choice = assign_units(records, 0.7);
  EXPECT_EQ(choice.units, 60);
  EXPECT_EQ(choice.generic_pairs, 4);
}

TEST(QuestionUnits, AreTopicsWhereTheseAreEnough) {
  auto records = apart(60);
  for (int i = 0; i < 60; ++i) {
    records[i].topic = "t" + std::to_string(i / 4);
  }
  auto choice = assign_units(records, 0.7);
  EXPECT_EQ(choice.kind, "topic");
  EXPECT_EQ(choice.units, 15);
  EXPECT_EQ(records[0].unit, "topic t0");
  EXPECT_THAT(choice.text, HasSubstr("15 topics, not over 60 questions"));
  for (int i = 0; i < 60; ++i) {
    records[i].topic = "t" + std::to_string(i % 3);
  }
  choice = assign_units(records, 0.7);
  EXPECT_EQ(choice.kind, "question");
  EXPECT_THAT(choice.text, HasSubstr("Topics are too few"));
}

TEST(QuestionUnits, AQuestionWithoutATopicIsJoinedByLikeness) {
  auto records = apart(60);
  for (int i = 0; i < 50; ++i) {
    records[i].topic = "t" + std::to_string(i / 5);
  }
  // Two alike, and one that asks what a question of a topic asks.
  records[51].question = records[50].question + " now";
  records[52].question = records[0].question + " now";
  const auto choice = assign_units(records, 0.5);
  EXPECT_EQ(choice.kind, "topic");
  EXPECT_EQ(choice.without_topic, 10);
  EXPECT_EQ(choice.units, 10 + 1 + 7);
  EXPECT_EQ(choice.largest, 6);
  EXPECT_EQ(records[50].unit, records[51].unit);
  EXPECT_EQ(records[52].unit, "topic t0");
  EXPECT_NE(records[53].unit, records[54].unit);
  EXPECT_THAT(choice.text, HasSubstr("over 18 topics and clusters"));
  EXPECT_THAT(choice.text, HasSubstr("10 questions have no topic"));
}

TEST(QuestionUnits, AreNoTopicsWhereAllThereAreAreAsked) {
  auto records = apart(96);
  for (int i = 0; i < 96; ++i) {
    records[i].topic = "t" + std::to_string(i / 2 % 12);  // in both splits
  }
  auto choice = assign_units(records, 0.7, /*all_topics=*/13);
  EXPECT_EQ(choice.kind, "topic");
  EXPECT_EQ(choice.units, 12);
  choice = assign_units(records, 0.7, /*all_topics=*/12);
  EXPECT_EQ(choice.kind, "question");
  EXPECT_EQ(choice.units, 96);
  EXPECT_THAT(choice.text, HasSubstr("about all 12 topics"));
  EXPECT_EQ(choice.all_topics, 12);
  // One split that leaves a topic out is a sample.
  for (int i = 0; i < 96; ++i) {
    if (records[i].split == "test" && records[i].topic == "t3") {
      records[i].split = "train";
    }
  }
  choice = assign_units(records, 0.7, /*all_topics=*/12);
  EXPECT_EQ(choice.kind, "topic");
}

TEST(QuestionUnits, FirstQuestionsAreOfAllTopics) {
  auto records = apart(24);
  for (int i = 0; i < 24; ++i) {
    records[i].topic = i < 16 ? "a" : i < 22 ? "b" : "c";
  }
  const auto out = spread_over_units(records);
  ASSERT_EQ(out.size(), 24U);
  std::vector<std::string> test;
  std::vector<std::string> ids;
  for (const auto& record : out) {
    if (record.split == "test") {
      test.push_back(record.topic);
      ids.push_back(record.id);
    }
  }
  EXPECT_THAT(std::span(test).first(5),
              testing::ElementsAre("a", "b", "c", "a", "b"));
  EXPECT_THAT(std::span(ids).first(4),
              testing::ElementsAre("q1", "q17", "q23", "q3"));
  EXPECT_EQ(spread_over_units(apart(24)), apart(24));
}

}  // namespace
}  // namespace veer
