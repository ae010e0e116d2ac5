// SPDX-License-Identifier: MIT
#include "veer/study/dataset/splits.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/splits.h"

namespace veer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<QuestionRecord> questions(int count) {
  std::vector<QuestionRecord> out;
  for (int i = 0; i < count; ++i) {
    QuestionRecord record;
    record.question = "How do I learn skill number " + std::to_string(i) +
                      " with tool " + std::to_string(i * 7 + 1) + "?";
    record.id = question_id(record.question);
    out.push_back(record);
  }
  return out;
}

// Nothing is like anything else.
DatasetSettings apart() {
  DatasetSettings settings;
  settings.near_duplicate = 1.0;
  return settings;
}

std::string refusal(int count, const DatasetSettings& settings,
                    const SplitNeeds& needs = {}) {
  auto records = questions(count);
  try {
    split_questions(records, 0, settings, needs);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DatasetSplits, ManyQuestionsHaveFourSplitsAsEver) {
  auto records = questions(400);
  auto same = records;
  const auto choice = split_questions(records, 3, apart(), {});
  EXPECT_EQ(choice.folds, 0);
  EXPECT_EQ(choice.text, "");
  SplitOptions options;
  options.cluster_jaccard = 1.0;
  assign_splits(same, 3, options);
  EXPECT_EQ(records, same);
  EXPECT_TRUE(folds_json(records, choice).is_null());
}

TEST(DatasetSplits, ThirtyQuestionsAreCutIntoFolds) {
  auto records = questions(30);
  const auto choice = split_questions(records, 0, apart(), {});
  EXPECT_EQ(choice.folds, 5);
  EXPECT_THAT(choice.text,
              AllOf(HasSubstr("30 questions"), HasSubstr("5 folds"),
                    HasSubstr("21 make the vectors"), HasSubstr("9 are set"),
                    HasSubstr("7 of them choose, 14 report"),
                    HasSubstr("dataset.min_split = 8")));
  const Json json = folds_json(records, choice);
  EXPECT_EQ(json["count"], 5);
  EXPECT_EQ(json["train"], 9);
  std::int64_t folded = 0;
  for (const auto& count : json["questions"]) {
    EXPECT_GE(count, 4);
    EXPECT_LE(count, 5);
    folded += count.get<std::int64_t>();
  }
  EXPECT_EQ(folded, 21);
}

TEST(DatasetSplits, AllServeForVectorsWhereNothingIsTrained) {
  auto records = questions(30);
  SplitNeeds needs;
  needs.training = false;
  const auto choice = split_questions(records, 0, apart(), needs);
  EXPECT_EQ(choice.folds, 5);
  for (const auto& record : records) {
    EXPECT_GT(record.fold, 0);
    EXPECT_NE(record.split, "train");
  }
  EXPECT_THAT(choice.text, HasSubstr("30 make the vectors"));
}

TEST(DatasetSplits, FoldsCanBeAskedForAndForbidden) {
  auto settings = apart();
  settings.folds = 7;
  auto records = questions(400);
  EXPECT_EQ(split_questions(records, 0, settings, {}).folds, 7);
  settings.folds = 1;
  EXPECT_THAT(refusal(30, settings), HasSubstr("dataset.folds = 5"));
}

TEST(DatasetSplits, TwoTopicsAreTooFewToSplitBy) {
  auto settings = apart();
  settings.split_by = "topic";
  auto records = questions(60);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].topic = i % 2 == 0 ? "a" : "b";
  }
  const auto refused = [&] {
    auto own = records;
    try {
      split_questions(own, 0, settings, {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(), AllOf(HasSubstr("60 questions have 2 topics"),
                               HasSubstr("at least 4, one for each split"),
                               HasSubstr("dataset.split_by = \"question\"")));
  // Five topics are enough for the splits, and one of them is half of all.
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].topic = i < 50 ? "large" : "small " + std::to_string(i % 4);
  }
  settings.folds = 1;
  EXPECT_THAT(refused(), AllOf(HasSubstr("topics stay whole"),
                               Not(HasSubstr("or about"))));
  settings.folds = 5;
  EXPECT_THAT(refused(), HasSubstr("5 topics, the largest of 50 questions"));
}

// The setting that an error names works.
TEST(DatasetSplits, ARefusalNamesKeysAndASettingThatWorks) {
  auto settings = apart();
  settings.folds = 1;
  settings.min_split = 40;
  const auto text = refusal(100, settings);
  EXPECT_THAT(text, AllOf(HasSubstr("of 100 questions fall into"),
                          HasSubstr("dataset.min_split = 40"),
                          HasSubstr("What works: dataset.min_split = ")));
  const auto at = text.find("What works: dataset.min_split = ") + 32;
  settings.min_split = std::stoll(text.substr(at));
  EXPECT_GT(settings.min_split, 0);
  EXPECT_EQ(refusal(100, settings), "");
  settings.folds = 5;
  EXPECT_EQ(refusal(100, settings), "");
}

TEST(DatasetSplits, TooFewEvenForFoldsSaysHowManyMore) {
  EXPECT_THAT(refusal(8, apart()), HasSubstr("4 more questions"));
  // With 15, 5 are for fine-tuning and 10 are left: not enough.
  EXPECT_THAT(
      refusal(15, apart()),
      AllOf(HasSubstr("folds need 12 questions"),
            HasSubstr("dataset.train = 0.20, dataset.extract = 0.29, "
                      "dataset.select = 0.17 and dataset.test = 0.34")));
  auto less = apart();
  less.train = 0.20;
  less.extract = 0.29;
  less.select = 0.17;
  less.test = 0.34;
  EXPECT_EQ(refusal(15, less), "");
  EXPECT_THAT(refusal(12, apart()), HasSubstr("2 more questions"));
  SplitNeeds ready;
  ready.training = false;
  EXPECT_EQ(refusal(15, apart(), ready), "");
  auto settings = apart();
  settings.folds = 5;
  EXPECT_THAT(refusal(15, settings), HasSubstr("dataset.folds = 5 with 15"));
}

TEST(DatasetSplits, GivenSplitsStay) {
  auto records = questions(400);
  split_questions(records, 5, apart(), {});
  const auto given = records;
  SplitNeeds needs;
  needs.given = true;
  EXPECT_EQ(split_questions(records, 0, apart(), needs).folds, 0);
  EXPECT_EQ(records, given);
  auto settings = apart();
  settings.folds = 5;
  records.front().fold = 3;
  EXPECT_THAT([&] { split_questions(records, 0, settings, needs); },
              testing::ThrowsMessage<Error>(HasSubstr("given_splits")));
  settings.folds = 0;
  settings.min_split = 300;
  EXPECT_THAT([&] { split_questions(records, 0, settings, needs); },
              testing::ThrowsMessage<Error>(
                  AllOf(HasSubstr("dataset.min_split = 300"),
                        HasSubstr("given_splits = \"ignore\""))));
}

TEST(DatasetSplits, AVectorThatIsTrainedHasNoFolds) {
  SplitNeeds needs;
  needs.trained_vectors = {"bipo"};
  EXPECT_THAT(refusal(30, apart(), needs), HasSubstr("bipo"));
  EXPECT_EQ(refusal(400, apart(), needs), "");
}

std::vector<QuestionRecord> with_topics(int count, int topics) {
  auto records = questions(count);
  for (int i = 0; i < count; ++i) {
    records[static_cast<std::size_t>(i)].topic =
        "topic " + std::to_string(i % topics);
  }
  return records;
}

TEST(DatasetSplits, AutoTakesTopicsWhereTheyAreEnough) {
  auto records = with_topics(400, 80);
  const auto choice = split_questions(records, 3, apart(), {});
  EXPECT_EQ(choice.by, "topic");
  EXPECT_EQ(choice.note, "");
  std::map<std::string, std::set<std::string>> splits;
  for (const auto& record : records) {
    splits[record.topic].insert(record.split);
  }
  for (const auto& [topic, own] : splits) {
    EXPECT_EQ(own.size(), 1U) << topic;
  }
}

TEST(DatasetSplits, AutoFallsBackToQuestionsAndSaysWhy) {
  auto records = with_topics(400, 6);
  auto same = questions(400);
  const auto choice = split_questions(records, 3, apart(), {});
  split_questions(same, 3, apart(), {});
  EXPECT_EQ(choice.by, "question");
  EXPECT_THAT(choice.note, HasSubstr("by question, not by topic"));
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].split, same[i].split);
  }
  // Asked for by name there is no way out.
  auto settings = apart();
  settings.split_by = "topic";
  settings.min_split = 90;
  settings.folds = 1;
  EXPECT_THROW(split_questions(records, 3, settings, {}), Error);
}

TEST(DatasetSplits, AutoKeepsTopicsInOneFold) {
  auto records = with_topics(30, 15);
  const auto choice = split_questions(records, 3, apart(), {});
  EXPECT_GT(choice.folds, 0);
  EXPECT_EQ(choice.by, "topic");
  std::map<std::string, std::set<std::int64_t>> folds;
  for (const auto& record : records) {
    folds[record.topic].insert(record.fold);
  }
  for (const auto& [topic, own] : folds) {
    EXPECT_EQ(own.size(), 1U) << topic;
  }
}

}  // namespace
}  // namespace veer
