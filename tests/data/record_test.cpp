// SPDX-License-Identifier: MIT
#include "veer/data/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

std::string message_of(const std::string& text) {
  try {
    records_from_jsonl(text, "x.jsonl");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Records, SurviveAWriteAndRead) {
  const std::vector<QuestionRecord> records = {
      {"a", "Why \"so\"?\n", "Be\xC3\xA9", "No", "seed", "train"},
      {"b", "Q", "", "", "", ""}};
  EXPECT_EQ(records_from_jsonl(records_to_jsonl(records), "x"), records);
}

TEST(Records, TolerateAMarkBlankLinesAndWindowsEnds) {
  const auto records = records_from_jsonl(
      "\xEF\xBB\xBF{\"question\":\"Q?\",\"extra\":1}\r\n\n", "x.jsonl");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].question, "Q?");
  EXPECT_EQ(records[0].id, question_id("q"));
}

TEST(Records, ErrorsNameFileAndLine) {
  EXPECT_THAT(message_of("{\"question\":\"a\"}\n{"),
              HasSubstr("x.jsonl, line 2"));
  EXPECT_THAT(message_of("\n{\"honest\":\"a\"}"), HasSubstr("x.jsonl, line 2"));
  EXPECT_THAT(message_of("{\"question\":3}"), HasSubstr("\"question\" is 3"));
}

TEST(QuestionId, IgnoresCaseAndPunctuation) {
  EXPECT_EQ(question_id("What's up?"), question_id("whats UP"));
  EXPECT_NE(question_id("What's up?"), question_id("What's down?"));
}

}  // namespace
}  // namespace veer
