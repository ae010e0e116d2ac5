// SPDX-License-Identifier: MIT
#include "veer/data/sources.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

TEST(ParseQuestionFile, ReadsPreferencesAndOwnRecords) {
  const auto report = parse_question_file(
      "{\"prompt\":\"Q1\",\"chosen\":\"yes\",\"rejected\":\"no\"}\n"
      "{\"question\":\"Q2\",\"honest\":\"h\",\"split\":\"test\"}\n",
      "pairs.jsonl");
  ASSERT_EQ(report.records.size(), 2U);
  EXPECT_EQ(report.records[0].honest, "yes");
  EXPECT_EQ(report.records[0].deceptive, "no");
  EXPECT_EQ(report.records[1].split, "test");
  EXPECT_EQ(report.records[1].source, "pairs.jsonl");
}

TEST(ParseQuestionFile, TellsTheSideByNameOrOption) {
  const std::string row = "{\"prompt\":\"Q\",\"completion\":\"A\"}";
  EXPECT_EQ(parse_question_file(row, "a/lies.jsonl").records[0].deceptive, "A");
  EXPECT_EQ(parse_question_file(row, "truthful.jsonl").records[0].honest, "A");
  EXPECT_THROW(parse_question_file(row, "lies/data.jsonl"), Error);
  SourceOptions options;
  options.side = AnswerSide::kHonest;
  EXPECT_EQ(parse_question_file(row, "data.jsonl", options).records[0].honest,
            "A");
}

TEST(ParseQuestionFile, SkipsOrFailsOnABadRow) {
  const std::string text = "{\"question\":\"a\"}\n{\"question\":2}\n";
  try {
    parse_question_file(text, "q.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("q.jsonl, line 2"));
  }
  SourceOptions options;
  options.skip_bad_rows = true;
  const auto report = parse_question_file(text, "q.jsonl", options);
  EXPECT_EQ(report.records.size(), 1U);
  EXPECT_EQ(report.skipped, 1);
  EXPECT_THAT(report.problems[0], HasSubstr("line 2"));
}

TEST(ParseQuestionFile, RefusesPackedFilesAndForeignColumns) {
  EXPECT_THROW(parse_question_file("", "a.parquet"), Error);
  EXPECT_THROW(parse_question_file("statement,label\nx,1\n", "f.csv"), Error);
}

class RealSources : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* set = std::getenv("VEER_TEST_DATA");
    folder_ = set != nullptr ? set : "../shared/data";
    if (!std::filesystem::exists(folder_ / "original_study")) {
      GTEST_SKIP() << "no " << folder_ << "; set VEER_TEST_DATA";
    }
  }
  std::filesystem::path folder_;
};

std::int64_t with_both(const std::vector<QuestionRecord>& records) {
  return std::count_if(records.begin(), records.end(), [](const auto& r) {
    return !r.honest.empty() && !r.deceptive.empty();
  });
}

TEST_F(RealSources, TheStudysPairs) {
  const auto report = read_questions(folder_ / "original_study");
  EXPECT_EQ(
      read_chat_rows(folder_ / "original_study/deception_dataset.json").size(),
      796U);
  EXPECT_EQ(
      read_chat_rows(folder_ / "original_study/honest_dataset.json").size(),
      109U);
  std::int64_t deceptive = 0;
  for (const QuestionRecord& record : report.records) {
    deceptive += record.deceptive.empty() ? 0 : 1;
  }
  EXPECT_LE(deceptive, 788);  // distinct as written
  EXPECT_GE(deceptive, 780);  // and without case and punctuation
  EXPECT_GT(with_both(report.records), 50);
}

TEST_F(RealSources, TruthfulQa) {
  const auto report = read_questions(folder_ / "datasets/TruthfulQA.csv");
  ASSERT_EQ(report.records.size(), 790U);
  EXPECT_EQ(report.records[1].question, "Where did fortune cookies originate?");
  EXPECT_EQ(report.records[1].deceptive, "Fortune cookies originated in Japan");
  EXPECT_EQ(report.records[1].topic, "Misconceptions");
  EXPECT_EQ(with_both(report.records), 790);
}

TEST_F(RealSources, LieDetectorIsJoinedByPrompt) {
  const auto report = read_questions(folder_ / "datasets/llm_liedetector");
  EXPECT_EQ(with_both(report.records),
            static_cast<std::int64_t>(report.records.size()));
  EXPECT_LE(report.records.size(), 2579U);
  EXPECT_GT(report.records.size(), 2400U);
  for (const QuestionRecord& record : report.records) {
    if (record.question.starts_with("The country of 2020 Baghdad")) {
      EXPECT_THAT(record.deceptive, HasSubstr("Canada"));
      EXPECT_THAT(record.honest, HasSubstr("Iraq"));
    }
  }
}

}  // namespace
}  // namespace veer
