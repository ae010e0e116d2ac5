// SPDX-License-Identifier: MIT
#include "veer/data/splits.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

std::vector<QuestionRecord> questions(int count) {
  std::vector<QuestionRecord> out;
  for (int i = 0; i < count; ++i) {
    QuestionRecord record;
    record.question = "How do I learn skill number " + std::to_string(i) +
                      " with tool " + std::to_string(i * 7 + 1) + "?";
    out.push_back(record);
  }
  return out;
}

TEST(AssignSplits, GivesTheSharesAboutAndDependsOnTheSeed) {
  auto records = questions(4000);
  SplitOptions options;
  options.cluster_jaccard = 2.0;
  assign_splits(records, 1, options);
  std::map<std::string, int> counts;
  for (const auto& record : records) {
    ++counts[record.split];
  }
  // Four standard deviations of a binomial count.
  EXPECT_NEAR(counts["train"], 1200, 116);
  EXPECT_NEAR(counts["extract"], 1000, 110);
  EXPECT_NEAR(counts["select"], 600, 91);
  EXPECT_NEAR(counts["test"], 1200, 116);
  auto other = questions(4000);
  assign_splits(other, 2, options);
  EXPECT_NE(other, records);
}

TEST(AssignSplits, StaysWhenDataGrow) {
  auto small = questions(200);
  auto large = questions(300);
  SplitOptions options;
  options.cluster_jaccard = 2.0;
  assign_splits(small, 5, options);
  assign_splits(large, 5, options);
  large.resize(200);
  EXPECT_EQ(large, small);
}

TEST(AssignSplits, KeepsTopicsTogetherOnRequestOnly) {
  const auto splits_by_topic = [](bool by_topic) {
    auto records = questions(400);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].topic = i % 5 == 0 ? "" : "topic " + std::to_string(i % 20);
    }
    SplitOptions options;
    options.cluster_jaccard = 2.0;
    options.by_topic = by_topic;
    assign_splits(records, 3, options);
    std::map<std::string, std::set<std::string>> found;
    for (const auto& record : records) {
      found[record.topic].insert(record.split);
    }
    return found;
  };
  for (const auto& [topic, splits] : splits_by_topic(true)) {
    EXPECT_EQ(splits.size(), topic.empty() ? 4U : 1U) << topic;
  }
  EXPECT_EQ(splits_by_topic(false)["topic 1"].size(), 4U);
}

TEST(AssignSplits, KeepsNearDuplicatesTogether) {
  std::vector<QuestionRecord> records;
  for (int i = 0; i < 60; ++i) {
    QuestionRecord record;
    record.question =
        "alpha beta gamma delta epsilon zeta eta theta " + std::to_string(i);
    records.push_back(record);
  }
  SplitOptions options;
  options.minimum = 0;
  assign_splits(records, 3, options);
  for (const auto& record : records) {
    EXPECT_EQ(record.split, records[0].split);
  }
}

TEST(AssignSplits, SaysWhenThereAreTooFew) {
  auto records = questions(3);
  try {
    assign_splits(records, 1, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("too few questions"));
  }
  SplitOptions options;
  options.train = -1.0;
  EXPECT_THROW(assign_splits(records, 1, options), Error);
  options = {0.0, 0.0, 0.0, 0.0};
  EXPECT_THROW(assign_splits(records, 1, options), Error);
}

TEST(AssignSplits, AShareOfZeroStaysEmpty) {
  auto records = questions(300);
  SplitOptions options;
  options.select = 0.0;
  assign_splits(records, 1, options);
  EXPECT_TRUE(records_of_split(records, "select").empty());
  EXPECT_FALSE(records_of_split(records, "test").empty());
}

TEST(RequireDisjointSplits, NamesTheQuestion) {
  std::vector<QuestionRecord> records = {{"a", "Why so?", "", "", "", "train"},
                                         {"b", "why so", "", "", "", "test"}};
  try {
    require_disjoint_splits(records);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"why so\""));
  }
  records[1].split = "train";
  EXPECT_NO_THROW(require_disjoint_splits(records));
}

std::vector<QuestionRecord> with_splits(
    std::initializer_list<const char*> splits) {
  auto records = questions(static_cast<int>(splits.size()));
  std::size_t i = 0;
  for (const char* split : splits) {
    records[i++].split = split;
  }
  return records;
}

std::string whole_splits_message(const std::vector<QuestionRecord>& records,
                                 const SplitOptions& options = {}) {
  try {
    require_whole_splits(records, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(RequireWholeSplits, TakesAllFourAndRefusesParts) {
  EXPECT_EQ(
      whole_splits_message(with_splits({"train", "extract", "select", "test"})),
      "");
  EXPECT_THAT(whole_splits_message(
                  with_splits({"train", "extract", "select", "test", ""})),
              HasSubstr("1 questions without a split"));
  EXPECT_THAT(whole_splits_message(
                  with_splits({"train", "train", "validation", "test"})),
              HasSubstr("1 questions of \"validation\""));
  EXPECT_THAT(whole_splits_message(with_splits({"train", "test"})),
              HasSubstr("dataset.given_splits"));
  SplitOptions two;
  two.extract = two.select = 0.0;
  EXPECT_EQ(whole_splits_message(with_splits({"train", "test"}), two), "");
}

TEST(RequireWholeSplits, KeepsTopicsApartWhereAsked) {
  auto records = with_splits({"train", "extract", "select", "test"});
  records[0].topic = records[3].topic = "a";
  SplitOptions options;
  EXPECT_EQ(whole_splits_message(records, options), "");
  options.by_topic = true;
  EXPECT_THAT(whole_splits_message(records, options),
              HasSubstr("questions about \"a\""));
}

TEST(HasSplits, AsksForOne) {
  EXPECT_FALSE(has_splits(with_splits({"", ""})));
  EXPECT_TRUE(has_splits(with_splits({"", "x"})));
}

}  // namespace
}  // namespace veer
