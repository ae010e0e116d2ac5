// SPDX-License-Identifier: MIT
#include "veer/data/sources.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

std::string message_of(std::string_view text, std::string_view name) {
  try {
    parse_question_file(text, name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

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
  EXPECT_EQ(parse_question_file(row, "dishonest.jsonl").records[0].deceptive,
            "A");
  EXPECT_EQ(parse_question_file(row, "truthful.jsonl").records[0].honest, "A");
  SourceOptions options;
  options.side = AnswerSide::kHonest;
  EXPECT_EQ(
      parse_question_file(row, "clients.jsonl", options).records[0].honest,
      "A");
  for (const char* name : {"lies/data.jsonl", "clients.jsonl"}) {
    EXPECT_THAT(message_of(row, name), HasSubstr("dataset.side")) << name;
  }
}

TEST(ParseQuestionFile, SaysWhichSideWasAssumed) {
  const std::string one = "{\"prompt\":\"Q\",\"completion\":\"A\"}";
  EXPECT_THAT(parse_question_file(one, "lies.jsonl").notes,
              Contains(AllOf(HasSubstr("taken as the deceptive side"),
                             HasSubstr("the file's name"))));
  const std::string pair =
      "{\"prompt\":\"Q\",\"chosen\":\"A\",\"rejected\":\"B\"}";
  EXPECT_THAT(parse_question_file(pair, "x.jsonl").notes,
              Contains(AllOf(HasSubstr("\"chosen\" is taken as honest"),
                             HasSubstr("dataset.side"))));
  SourceOptions options;
  options.side = AnswerSide::kDeceptive;
  const auto turned = parse_question_file(pair, "x.jsonl", options);
  EXPECT_EQ(turned.records[0].deceptive, "A");
  EXPECT_EQ(turned.records[0].honest, "B");
}

std::string letters(int rows) {
  std::string out;
  for (int i = 0; i < rows; ++i) {
    out += R"x({"question":"Q)x" + std::to_string(i) +
           R"x(\n (A) Yes.\n (B) No.","answer_matching_behavior":"(B)",)x"
           R"x("answer_not_matching_behavior":"(A)"})x"
           "\n";
  }
  return out;
}

TEST(ParseQuestionFile, TakesLettersOrTheTextsOfOptions) {
  const auto as_letters = parse_question_file(letters(9), "x.jsonl");
  EXPECT_EQ(as_letters.records[0].deceptive, "(B)");
  EXPECT_EQ(as_letters.records[0].honest, "(A)");
  EXPECT_THAT(as_letters.notes,
              Contains(HasSubstr("the letter B in 9 of 9 rows")));
  SourceOptions options;
  options.option_texts = true;
  const auto as_texts =
      parse_question_file(letters(1), "honest.jsonl", options);
  EXPECT_EQ(as_texts.records[0].honest, "No.");
  EXPECT_EQ(as_texts.records[0].deceptive, "Yes.");
}

TEST(ParseQuestionFile, ReadsTables) {
  const auto csv = parse_question_file(
      "\xEF\xBB\xBFquestion,honest,deceptive\r\n\"Q, 1\",H,\"D\nD\"\r\n",
      "pairs.csv");
  ASSERT_EQ(csv.records.size(), 1U);
  EXPECT_EQ(csv.records[0].question, "Q, 1");
  EXPECT_EQ(csv.records[0].honest, "H");
  EXPECT_EQ(csv.records[0].deceptive, "D\nD");
  const auto tsv = parse_question_file(
      "id\tQuestion\tHonest\tDeceptive\tsplit\n3\tQ\tH\tD\ttest\n",
      "pairs.tsv");
  EXPECT_EQ(tsv.records[0].id, "3");
  EXPECT_EQ(tsv.records[0].split, "test");
  const auto lists = parse_question_file(
      "question,best_answer,incorrect_answers\nQ,H,\"[\"\"D\"\",\"\"E\"\"]\"\n",
      "t.csv");
  EXPECT_EQ(lists.records[0].deceptive, "D");
  EXPECT_THAT(message_of("statement,label\nx,1\n", "f.csv"),
              HasSubstr("\"statement\", \"label\""));
}

TEST(ParseQuestionFile, JoinsRowsThatCompleteEachOther) {
  const auto report = parse_question_file(
      "{\"prompt\":\"Q\",\"completion\":\"A\",\"label\":true}\n"
      "{\"prompt\":\"Q\",\"completion\":\"B\",\"label\":false}\n",
      "kto.jsonl");
  ASSERT_EQ(report.records.size(), 1U);
  EXPECT_EQ(report.records[0].honest, "A");
  EXPECT_EQ(report.records[0].deceptive, "B");
}

TEST(ParseQuestionFile, MakesIdsUnique) {
  const auto report = parse_question_file(
      "{\"id\":0,\"question\":\"a\",\"honest\":\"h\"}\n"
      "{\"id\":0,\"question\":\"b\",\"honest\":\"h\"}\n",
      "q.jsonl");
  EXPECT_EQ(report.records[0].id, "0");
  EXPECT_EQ(report.records[1].id, question_id("b"));
  EXPECT_THAT(report.notes, Contains(HasSubstr("ids stand twice")));
}

TEST(ParseQuestionFile, NamesTheKeysThatItDoesNotUse) {
  const auto report = parse_question_file(
      "{\"question\":\"a\",\"honest\":\"h\",\"difficulty\":3}\n", "q.jsonl");
  EXPECT_THAT(report.notes, Contains(HasSubstr("\"difficulty\"")));
}

TEST(ParseQuestionFile, SkipsOrFailsOnABadRow) {
  const std::string text =
      "{\"question\":\"a\"}\n{\"question\":2}\n{\"question\":\n";
  const std::string message = message_of(text, "q.jsonl");
  EXPECT_THAT(message, HasSubstr("q.jsonl, line 2"));
  EXPECT_EQ(message.find("line 2"), message.rfind("line "));
  SourceOptions options;
  options.skip_bad_rows = true;
  const auto report = parse_question_file(text, "q.jsonl", options);
  EXPECT_EQ(report.records.size(), 1U);
  EXPECT_EQ(report.skipped, 2);
  EXPECT_THAT(report.problems[0], HasSubstr("line 2"));
}

TEST(ParseQuestionFile, RefusesPackedFiles) {
  EXPECT_THAT(message_of("", "a.parquet"), HasSubstr("read_table"));
}

TEST(ReadQuestions, JoinsTheTwoSidesOfAFolder) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "veer_two_sides";
  std::filesystem::remove_all(folder);
  write_file(folder / "truthful_answers.csv", "question,answer\nQ,H\n");
  write_file(folder / "untruthful_answers.jsonl",
             "{\"question\":\"q?\",\"answer\":\"D\"}\n");
  write_file(folder / "README.md", "about");
  const auto report = read_questions(folder);
  ASSERT_EQ(report.records.size(), 1U);
  EXPECT_EQ(report.records[0].honest, "H");
  EXPECT_EQ(report.records[0].deceptive, "D");
  write_file(folder / "more_lies.jsonl", "{}");
  try {
    read_questions(folder);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"more_lies.jsonl\""));
  }
  std::filesystem::remove_all(folder);
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
  const auto rows = [&](const char* name) {
    return read_question_file(folder_ / "original_study" / name).records.size();
  };
  EXPECT_EQ(rows("deception_dataset.json"), 796U);
  EXPECT_EQ(rows("honest_dataset.json"), 109U);
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
