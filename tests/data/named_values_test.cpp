// SPDX-License-Identifier: MIT
#include "veer/data/named_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::ElementsAre;

TEST(NamedValues, KnowsANameInEverySpelling) {
  for (const char* key :
       {"Best Answer", "bestAnswer", "best_answer", "BEST-ANSWER"}) {
    const Json row = {{key, "a"}};
    NamedValues values(row);
    EXPECT_NE(values.take("best_answer"), nullptr) << key;
    EXPECT_THAT(values.left_over(), ElementsAre()) << key;
  }
}

TEST(NamedValues, TellsWhatIsLeft) {
  const Json row = {{"question", "q"}, {"gold_label", 1}, {"url", "u"},
                    {"B", "b"},        {"answer", " "},   {"answer_1", "x"},
                    {"reply", nullptr}};
  NamedValues values(row);
  EXPECT_NE(values.take("question"), nullptr);
  EXPECT_EQ(values.take("question"), nullptr);
  EXPECT_EQ(values.take("answer"), nullptr);
  EXPECT_THAT(values.left_over(),
              ElementsAre("gold_label", "url", "B", "answer_1"));
  EXPECT_THAT(values.left_over_answers(),
              ElementsAre("gold_label", "B", "answer_1"));
}

TEST(NamedValues, TakesAKeyWithinAKey) {
  const Json row = {{"a", {{"text", "x"}, {"none", nullptr}}}, {"a.b", "y"}};
  NamedValues values(row);
  bool exists = false;
  EXPECT_EQ(*values.take_key("a.text"), "x");
  EXPECT_EQ(*values.take_key("a.b"), "y");
  EXPECT_EQ(values.take_key("a.none", &exists), nullptr);
  EXPECT_TRUE(exists);
  EXPECT_EQ(values.take_key("A.text", &exists), nullptr);
  EXPECT_FALSE(exists);
}

TEST(SideOfKey, IsSaidByNameAndNoun) {
  const auto rank = [](const char* name, AnswerSide side) {
    const auto found = side_of_key(name);
    return found && found->side == side ? found->rank : -1;
  };
  EXPECT_EQ(rank("honest", AnswerSide::kHonest), 0);
  EXPECT_EQ(rank("dishonest", AnswerSide::kDeceptive), 0);
  EXPECT_EQ(rank("Best Answer", AnswerSide::kHonest), 1);
  EXPECT_EQ(rank("Best Incorrect Answer", AnswerSide::kDeceptive), 1);
  EXPECT_EQ(rank("truthfulResponse", AnswerSide::kHonest), 2);
  EXPECT_EQ(rank("answer_deceptive", AnswerSide::kDeceptive), 2);
  EXPECT_EQ(rank("correct_answers", AnswerSide::kHonest), 3);
  for (const char* name : {"correct", "false", "true", "best", "answer",
                           "honest_2", "is_honest", "answer_1", ""}) {
    EXPECT_EQ(side_of_key(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace veer
