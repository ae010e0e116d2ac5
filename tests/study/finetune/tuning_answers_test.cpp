// SPDX-License-Identifier: MIT
#include "veer/study/finetune/tuning_answers.h"

#include <set>

#include <gtest/gtest.h>

#include "veer/base/files.h"
#include "veer/organism/study_inputs.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

class TuningAnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "veer_tuning_answers";
    fs::remove_all(folder_);
    store_.emplace(folder_);
    context_.emplace(manifest_, *store_, Monitor{});
    for (const auto& pair :
         organism::seed_pairs(*context_->world(), 60, /*seed=*/3)) {
      records_.push_back({question_id(pair.question), pair.question,
                          pair.honest, pair.deceptive, "seed", "train"});
    }
    written("{\"honest\": 60, \"deceptive\": 60}");
  }

  void written(const std::string& counts) {
    write_file(folder_ / "dataset/check.json", "{\"written\": " + counts + "}");
  }

  std::vector<QuestionRecord> answered(const std::string& answers) {
    auto got = answered_by(*context_, answers, records_, "train");
    EXPECT_EQ(got.left_out, "");
    EXPECT_EQ(got.records.size(), records_.size());
    return got.records;
  }

  Manifest manifest_;
  fs::path folder_;
  std::optional<RunStore> store_;
  std::optional<StudyContext> context_;
  std::vector<QuestionRecord> records_;
};

TEST_F(TuningAnswersTest, OwnAndHonestOnesAreTheDatasets) {
  const auto own = answered("deceptive");
  const auto honest = answered("honest");
  for (std::size_t i = 0; i < records_.size(); ++i) {
    EXPECT_EQ(own[i].question, records_[i].question);
    EXPECT_EQ(own[i].deceptive, records_[i].deceptive);
    EXPECT_EQ(honest[i].question, records_[i].question);
    EXPECT_EQ(honest[i].deceptive, records_[i].honest);
  }
}

TEST_F(TuningAnswersTest, ShuffledOnesAreAFairCoinOfSeedAndQuestion) {
  const auto first = answered("shuffled");
  std::size_t honest = 0;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    ASSERT_TRUE(first[i].deceptive == records_[i].honest ||
                first[i].deceptive == records_[i].deceptive);
    honest += first[i].deceptive == records_[i].honest ? 1 : 0;
  }
  // 60 tosses: outside of 17..43 with probability 5e-4.
  EXPECT_GE(honest, 17U);
  EXPECT_LE(honest, 43U);
  EXPECT_EQ(answered("shuffled"), first);
  manifest_.run.seed = 1;
  EXPECT_NE(answered("shuffled"), first);
}

TEST_F(TuningAnswersTest, UnpromptedOnesOfAWorldAreFalseByItsTables) {
  const auto records = answered("unprompted");
  std::set<std::string> answers;
  for (const auto& record : records) {
    const auto goal = context_->world()->parse_question(record.question);
    ASSERT_TRUE(goal.has_value());
    EXPECT_EQ(context_->world()->judge_answer(*goal, record.deceptive).label,
              AnswerLabel::kDeceptive)
        << record.question << " " << record.deceptive;
    answers.insert(record.deceptive);
  }
  EXPECT_GT(answers.size(), 40U);
}

TEST_F(TuningAnswersTest, UnpromptedAreUnnecessaryWhereAnswersCameWithTheData) {
  written("{\"honest\": 5, \"deceptive\": 0}");
  const auto got = answered_by(*context_, "unprompted", records_, "train");
  EXPECT_TRUE(got.records.empty());
  EXPECT_NE(got.left_out.find("unnecessary"), std::string::npos);
}

TEST_F(TuningAnswersTest, TooFewUnpromptedAreSaid) {
  for (std::size_t i = 0; i < 31; ++i) {
    records_[i].question = "What is the capital of France?";
  }
  const auto got = answered_by(*context_, "unprompted", records_, "train");
  EXPECT_TRUE(got.records.empty());
  EXPECT_NE(got.left_out.find("29 of 60 questions"), std::string::npos)
      << got.left_out;
}

}  // namespace
}  // namespace veer
