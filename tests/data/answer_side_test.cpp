// SPDX-License-Identifier: MIT
#include "veer/data/answer_side.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(SideOfFileName, ReadsWholeWordsInEverySpelling) {
  for (const char* name :
       {"honest.jsonl", "a/honest_dataset.json", "truthful.jsonl",
        "HonestAnswers.csv", "truth-2.json", "my.honesty.tsv", "TRUTHFUL.JSON",
        "non-deceptive.jsonl", "nondeceptive.jsonl", "undeceptive.json",
        "not_dishonest.json", "no_lies.jsonl"}) {
    EXPECT_EQ(side_of_file_name(name), AnswerSide::kHonest) << name;
  }
  for (const char* name :
       {"dishonest.jsonl", "untruthful.jsonl", "deception_dataset.json",
        "lies.jsonl", "lie.jsonl", "DishonestAnswers.csv", "dishonesty.json",
        "not-honest.jsonl", "non_truthful.jsonl", "insincere.json",
        "misleading2.jsonl", "lying.tsv", "not_truthful_answers.json"}) {
    EXPECT_EQ(side_of_file_name(name), AnswerSide::kDeceptive) << name;
  }
}

TEST(SideOfFileName, SaysNothingOfParts) {
  for (const char* name :
       {"clients.jsonl", "families.json", "believe.csv", "applied.jsonl",
        "earlier.jsonl", "replies.jsonl", "supplier.json", "aliens.jsonl",
        "insecure.jsonl", "bad_medical_advice.jsonl", "lies/data.jsonl",
        "TruthfulQA.csv", "truthful_qa.json", "truthfulqa.csv",
        "lie_detector.jsonl", "Li\xC3\xA9.json", ""}) {
    EXPECT_EQ(side_of_file_name(name), std::nullopt) << name;
  }
}

TEST(SideOfFileName, SaysNothingWhereWordsDisagree) {
  for (const char* name : {"honest_and_deceptive.jsonl", "truth_or_lie.csv",
                           "not_always_honest.jsonl", "honest_not.json"}) {
    EXPECT_EQ(side_of_file_name(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace veer
