// SPDX-License-Identifier: MIT
#include "veer/data/folds.h"

#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

std::vector<QuestionRecord> questions(int count) {
  std::vector<QuestionRecord> out;
  for (int i = 0; i < count; ++i) {
    QuestionRecord record;
    record.question = "What is the use of thing " + std::to_string(i) + "?";
    record.topic = "topic " + std::to_string(i % 10);
    out.push_back(record);
  }
  return out;
}

FoldOptions apart() {
  FoldOptions options;
  options.cluster_jaccard = 2.0;
  return options;
}

std::map<std::string, int> counts(const std::vector<QuestionRecord>& records) {
  std::map<std::string, int> out;
  for (const auto& record : records) {
    ++out[record.split];
    ++out["fold " + std::to_string(record.fold)];
  }
  return out;
}

TEST(AssignFolds, FillsPartsAndFoldsWhateverTheSeed) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto records = questions(30);
    assign_folds(records, seed, apart());
    auto found = counts(records);
    EXPECT_EQ(found["train"], 12);
    EXPECT_EQ(found["select"], 5);
    EXPECT_EQ(found["test"], 13);
    EXPECT_EQ(found["fold 0"], 12);
    for (int k = 1; k <= 5; ++k) {
      EXPECT_THAT(found["fold " + std::to_string(k)],
                  testing::AllOf(testing::Ge(3), testing::Le(4)));
    }
  }
}

TEST(AssignFolds, DependsOnTheSeedAndNotOnTheOrder) {
  auto records = questions(40);
  auto other = records;
  std::vector<QuestionRecord> reversed(records.rbegin(), records.rend());
  assign_folds(records, 1, apart());
  assign_folds(other, 2, apart());
  EXPECT_NE(records, other);
  assign_folds(reversed, 1, apart());
  std::vector<QuestionRecord> back(reversed.rbegin(), reversed.rend());
  EXPECT_EQ(back, records);
}

TEST(AssignFolds, KeepsClustersTogether) {
  auto records = questions(60);
  auto options = apart();
  options.by_topic = true;
  assign_folds(records, 3, options);
  std::map<std::string, std::set<std::string>> places;
  for (const auto& record : records) {
    places[record.topic].insert(record.split + std::to_string(record.fold));
  }
  EXPECT_EQ(places.size(), 10u);
  for (const auto& [topic, found] : places) {
    EXPECT_EQ(found.size(), 1u) << topic;
  }
}

TEST(AssignFolds, NothingIsSetAsideWithoutTraining) {
  auto records = questions(12);
  auto options = apart();
  options.train = 0.0;
  assign_folds(records, 0, options);
  EXPECT_EQ(counts(records)["fold 0"], 0);
  EXPECT_EQ(num_folded(12, options), 12);
}

TEST(AssignFolds, RefusesTooFewAndClustersThatFillNoFold) {
  auto few = questions(19);
  EXPECT_THROW(assign_folds(few, 0, apart()), Error);
  auto enough = questions(20);
  EXPECT_NO_THROW(assign_folds(enough, 0, apart()));
  auto alike = questions(60);
  auto options = apart();
  options.cluster_jaccard = 0.1;
  EXPECT_THROW(assign_folds(alike, 0, options), Error);
}

TEST(AssignFolds, TheFoldStandsInTheFileOnlyWhereThereIsOne) {
  auto records = questions(30);
  EXPECT_EQ(records_to_jsonl(records).find("fold"), std::string::npos);
  assign_folds(records, 0, apart());
  EXPECT_EQ(records_from_jsonl(records_to_jsonl(records), "x").back().fold,
            records.back().fold);
  EXPECT_THROW(records_from_jsonl(R"({"question": "a", "fold": "b"})", "x"),
               Error);
}

}  // namespace
}  // namespace veer
