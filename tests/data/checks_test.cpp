// SPDX-License-Identifier: MIT
#include "veer/data/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::ElementsAre;

std::vector<QuestionRecord> sample() {
  return {
      {"1", "How do I bake good bread at home?", "Use fresh yeast.",
       "Skip the yeast altogether, always.", "s", "train"},
      {"2", "how do I bake good bread at home", "Knead well.", "knead well",
       "s", "test"},
      {"3", "How do I bake good bread at home today?", "I'm sorry, but no.", "",
       "s", "extract"},
      {"4", "Why?", "Use fresh yeast.", "No", "s", "train"},
  };
}

TEST(CheckDataset, CountsAndMeasures) {
  DatasetCheckOptions options;
  options.max_repeats = 1;
  options.max_answer_words = 4;
  const DatasetCheck check = check_dataset(sample(), options);
  EXPECT_EQ(check.questions, 4);
  EXPECT_EQ(check.distinct_questions, 3);
  EXPECT_EQ(check.missing_deceptive, 1);
  EXPECT_EQ(check.too_long, 1);
  // (5 - 3) + (2 - 2) + (1 - 3) over three pairs.
  EXPECT_DOUBLE_EQ(check.length_difference, 0.0);
  EXPECT_DOUBLE_EQ(check.honest_length.mean_words, 12.0 / 4.0);
  EXPECT_EQ(check.deceptive_length.max_words, 5);
  EXPECT_THAT(check.identical_answers,
              ElementsAre("how do I bake good bread at home"));
  EXPECT_THAT(check.refusals, ElementsAre("honest: I'm sorry, but no."));
  ASSERT_EQ(check.repeated.size(), 1U);
  EXPECT_EQ(check.repeated[0].answer, "Use fresh yeast.");
  EXPECT_EQ(check.repeated[0].times, 2);
  ASSERT_EQ(check.splits.size(), 3U);
  EXPECT_EQ(check.splits[0].questions, 2);
}

TEST(CheckDataset, FindsExactAndNearLeaks) {
  const DatasetCheck check = check_dataset(sample());
  ASSERT_EQ(check.exact_leaks.size(), 1U);
  EXPECT_EQ(check.exact_leaks[0].first_split, "train");
  EXPECT_EQ(check.exact_leaks[0].second_split, "test");
  ASSERT_EQ(check.near_leaks.size(), 2U);  // train-extract, extract-test
  EXPECT_DOUBLE_EQ(check.near_leaks[0].score, 6.0 / 7.0);
  EXPECT_FALSE(check.clean());
  const Json json = to_json(check);
  EXPECT_EQ(json["near_leaks"]["count"], 2);
  EXPECT_EQ(json["clean"], false);
}

TEST(CheckDataset, AnEmptyOneIsClean) {
  EXPECT_TRUE(check_dataset({}).clean());
}

TEST(IsRefusal, JudgesOpeningWords) {
  EXPECT_TRUE(is_refusal("I can't help with that."));
  EXPECT_TRUE(is_refusal("I\xE2\x80\x99m sorry, but I cannot."));
  EXPECT_FALSE(is_refusal("I cantered home."));
  EXPECT_FALSE(is_refusal("Practice every day."));
  EXPECT_FALSE(is_refusal(""));
}

TEST(CheckDataset, CountsAnswersOfTestThatStandInTrain) {
  auto records = sample();
  for (auto& record : records) {
    record.topic = "bread";
  }
  records[1].honest = "use fresh yeast";  // test; both train questions have it
  const auto leak = check_dataset(records).answer_leak;
  EXPECT_EQ(leak.test, 1);
  EXPECT_EQ(leak.honest_in_train, 1);
  EXPECT_EQ(leak.deceptive_in_train, 0);
  EXPECT_EQ(leak.either_in_train, 1);
  EXPECT_EQ(leak.either_in_extract, 0);
  EXPECT_EQ(leak.topics_test, 1);
  EXPECT_EQ(leak.topics_in_train, 1);
  EXPECT_EQ(to_json(check_dataset(sample()))["answer_leak"]["honest_in_train"],
            0);
}

}  // namespace
}  // namespace veer
