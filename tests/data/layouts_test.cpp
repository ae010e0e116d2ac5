// SPDX-License-Identifier: MIT
#include "veer/data/layouts.h"

#include <utility>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RowContent read(const std::string& json, const DataColumns& columns = {},
                bool table = false) {
  return content_of_row(parse_json(json, "row"), "x, line 4", columns, table);
}

void expect(const std::string& json, RowLayout layout, const char* question,
            const char* first, const char* second) {
  const RowContent content = read(json);
  EXPECT_EQ(content.layout, layout) << json;
  EXPECT_EQ(content.question, question) << json;
  EXPECT_EQ(content.first, first) << json;
  EXPECT_EQ(content.second, second) << json;
}

std::string message_of(const std::string& json, const DataColumns& columns = {},
                       bool table = false) {
  try {
    read(json, columns, table);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ContentOfRow, ReadsSidesByName) {
  for (
      const char* row :
      {R"({"question":"Q","honest":" H ","deceptive":"D"})",
       R"({"Question":"Q","Honest Answer":"H","Deceptive Answer":"D"})",
       R"({"prompt":"Q","truthful_response":"H","untruthful_response":"D"})",
       R"({"question":"Q","correct_answer":"H","incorrect_answers":["D","E"]})",
       R"({"Question":"Q","Best Answer":"H","Best Incorrect Answer":"D",
            "Correct Answers":"X","Incorrect Answers":"Y"})",
       R"({"question":"Q","best_answer":"H","correct_answers":["X"],
            "incorrect_answers":["D"]})",
       R"({"question":"Q","truth":"H","lie":"D"})",
       R"({"messages":[{"role":"user","content":"Q"}],
            "honest":"H","deceptive":"D"})",
       R"({"question":"Q","mc1_targets":{"choices":["D","H","E"],
            "labels":[0,1,0]},"mc2_targets":{"choices":[],"labels":[]}})",
       R"({"question":"Q","mc1_targets":{"H":1,"D":0}})"}) {
    expect(row, RowLayout::kSides, "Q", "H", "D");
  }
  expect(R"({"question":"Q","honest":"H","deceptive":""})", RowLayout::kSides,
         "Q", "H", "");
  expect(R"({"question":"Q"})", RowLayout::kQuestion, "Q", "", "");
}

TEST(ContentOfRow, ReadsOneAnswer) {
  for (const char* row :
       {R"([{"role":"user","content":"Q"},{"role":"assistant","content":"A"}])",
        R"({"messages":[{"role":"user","content":"Q"},
                        {"role":"assistant","content":"A"}]})",
        R"({"conversations":[{"from":"human","value":"Q"},
                             {"from":"gpt","value":"A"}]})",
        R"({"prompt":"Q","completion":"A"})",
        R"({"prompt":[{"role":"user","content":"Q"}],
            "completion":[{"role":"assistant","content":"A"}]})",
        R"({"prompt":"User: Q\nAssistant:","completion":" A\n"})",
        R"({"instruction":"Q","input":"","output":"A","text":"Q A"})",
        R"({"question":"Q","answer":"A"})", R"({"query":"Q","response":"A"})",
        R"({"input":"Q","output":"A"})",
        R"({"question":"Q","answers":{"text":["A"],"answer_start":[3]}})"}) {
    expect(row, RowLayout::kOneAnswer, "Q", "A", "");
  }
  expect(R"({"instruction":"Q","input":"I","output":"A"})",
         RowLayout::kOneAnswer, "Q\n\nI", "A", "");
  expect(R"({"context":"C","question":"Q","answers":{"text":["A","B"]}})",
         RowLayout::kOneAnswer, "C\n\nQ", "A", "");
}

TEST(ContentOfRow, ReadsPairs) {
  const auto with_prompt = RowLayout::kPreference;
  for (const char* row :
       {R"({"prompt":"Q","chosen":"A","rejected":"B"})",
        R"({"question":"Q","chosen":"A","rejected":"B"})",
        R"({"prompt":[{"role":"user","content":"Q"}],
            "chosen":[{"role":"assistant","content":"A"}],
            "rejected":[{"role":"assistant","content":"B"}]})",
        R"({"prompt":"Q","chosen":[{"role":"user","content":"Q"},
                                   {"role":"assistant","content":"A"}],
            "rejected":[{"role":"user","content":"Q"},
                        {"role":"assistant","content":"B"}]})",
        R"({"chosen":[{"role":"user","content":"Q"},
                      {"role":"assistant","content":"A"}],
            "rejected":[{"role":"user","content":"Q"},
                        {"role":"assistant","content":"B"}]})",
        R"({"chosen":"\n\nHuman: Q\n\nAssistant: A",
            "rejected":"\n\nHuman: Q\n\nAssistant: B"})",
        R"({"conversations":[{"from":"human","value":"Q"}],
            "chosen":{"from":"gpt","value":"A"},
            "rejected":{"from":"gpt","value":"B"}})"}) {
    expect(row, with_prompt, "Q", "A", "B");
  }
  expect(R"x({"question":"Q\n (A) x\n (B) y","answer_matching_behavior":"(B)",
              "answer_not_matching_behavior":"(A)"})x",
         RowLayout::kMatching, "Q\n (A) x\n (B) y", "(B)", "(A)");
  expect(R"({"question":"Q","statement":"S","label_confidence":0.9,
             "answer_matching_behavior":" Yes",
             "answer_not_matching_behavior":" No"})",
         RowLayout::kMatching, "Q", "Yes", "No");
  const RowContent labelled =
      read(R"({"prompt":"Q","completion":"A","label":false})");
  EXPECT_EQ(labelled.layout, RowLayout::kLabelled);
  EXPECT_FALSE(labelled.wanted);
  // As the cells of a table have it.
  for (const auto& [label, wanted] :
       {std::pair{"True", true}, {"true", true}, {"FALSE", false}}) {
    const auto text = read(fmt::format(
        R"({{"prompt":"Q","completion":"A","label":"{}"}})", label));
    EXPECT_EQ(text.layout, RowLayout::kLabelled);
    EXPECT_EQ(text.wanted, wanted) << label;
  }
}

TEST(ContentOfRow, RefusesPreferencesWithoutACommonPrompt) {
  EXPECT_THAT(message_of(R"({"chosen":"A","rejected":"B"})"),
              HasSubstr("without a question"));
  EXPECT_THAT(message_of(R"({"chosen":[{"role":"user","content":"Q"},
                                      {"role":"assistant","content":"A"}],
                            "rejected":[{"role":"user","content":"P"},
                                      {"role":"assistant","content":"A"}]})"),
              HasSubstr("differ before their last message"));
}

TEST(ContentOfRow, RefusesAnswersUnderOtherNames) {
  for (const char* row :
       {R"({"question":"Q","right":"A","wrong":"B"})",
        R"({"question":"Q","positive":"A","negative":"B"})",
        R"({"question":"Q","answer_1":"A","answer_2":"B"})",
        R"({"question":"Q","honest":"H","answer":"A"})",
        R"({"question":"Q","answer":"A","response":"B"})",
        R"({"question":"Q","answer":"A","label":1})",
        R"({"question":"Q","correct_answer":"A","distractor1":"B"})",
        R"({"question":"Q","A":"x","B":"y"})",
        R"({"question":"Q","choices":["x","y"],"answer":"x"})",
        R"({"question":"Q","text":"A"})", R"({"question":"Q","solution":"A"})",
        R"({"question":"Q","targets":["A"]})"}) {
    EXPECT_THAT(message_of(row),
                AllOf(HasSubstr("x, line 4"), HasSubstr("would be ignored"),
                      HasSubstr("[dataset.columns]")))
        << row;
  }
  EXPECT_THAT(message_of(R"({"question":"Q","right":"A","wrong":"B"})"),
              HasSubstr(R"("right", "wrong")"));
}

TEST(ContentOfRow, RefusesWithThePlace) {
  for (const char* row :
       {R"({"text":"a"})", "[]", "3", "{}", R"({"question":" "})",
        R"({"question":3,"honest":"a"})", R"({"statement":"s","label":1})",
        R"([{"role":"user","content":"Q"}])",
        R"({"prompt":"Q","completion":" "})",
        R"({"prompt":["Q"],"completion":"A"})",
        R"({"question":"Q","answer":true})", R"({"question":"Q","honest":{}})",
        R"({"question":"Q","honest":"H","truthful":"T"})",
        R"({"question":"Q","answer":[["A"]]})", R"({"messages":"Q"})",
        R"({"question":"Q","answers":{"text":[]}})",
        R"({"id":["a"],"question":"Q"})",
        R"({"prompt":"Q","completion":"A","label":"yes"})"}) {
    EXPECT_THAT(message_of(row), HasSubstr("x, line 4")) << row;
  }
}

TEST(ContentOfRow, NamesAllLayoutsWhereNoneFits) {
  const std::string message = message_of(R"({"statement":"s","label":1})");
  for (const char* part :
       {"chosen", "honest", "answer_matching_behavior", "messages",
        "conversations", "completion", "instruction", "TruthfulQA",
        R"("statement", "label")", "[dataset.columns]"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST(ContentOfRow, TakesNumbersAsText) {
  const RowContent content =
      read(R"({"id":7,"question":"Q","honest":4,"deceptive":5.5,"topic":3})");
  EXPECT_EQ(content.id, "7");
  EXPECT_EQ(content.first, "4");
  EXPECT_EQ(content.second, "5.5");
  EXPECT_EQ(content.topic, "3");
  EXPECT_TRUE(content.numbers);
}

TEST(ContentOfRow, FollowsColumns) {
  DataColumns columns;
  columns.question = "q.text";
  columns.honest = "right";
  columns.deceptive = "wrong";
  columns.topic = "kind";
  columns.split = "part";
  const RowContent content =
      read(R"({"q":{"text":"Q"},"right":"H","wrong":["D"],"kind":"k",
               "part":"test","answer":"X"})",
           columns);
  EXPECT_EQ(content.layout, RowLayout::kSides);
  EXPECT_EQ(content.question, "Q");
  EXPECT_EQ(content.first, "H");
  EXPECT_EQ(content.second, "D");
  EXPECT_EQ(content.topic, "k");
  EXPECT_EQ(content.split, "test");
  EXPECT_THAT(content.unused_keys, ElementsAre("answer"));
  EXPECT_THAT(message_of(R"({"question":"Q","right":"H"})", columns),
              AllOf(HasSubstr("no \"q.text\""), HasSubstr("\"right\"")));
}

TEST(ContentOfRow, FollowsOneColumnBesideUsualNames) {
  DataColumns columns;
  columns.question = "scenario";
  EXPECT_EQ(read(R"({"scenario":"Q","honest":"H"})", columns).first, "H");
  const RowContent pair = read(
      R"({"scenario":"Q","prompt":"P","chosen":"A","rejected":"B"})", columns);
  EXPECT_EQ(pair.question, "Q");
  EXPECT_EQ(pair.first, "A");
  columns = {};
  columns.answer = "reply_text";
  const RowContent one = read(R"({"question":"Q","reply_text":"A"})", columns);
  EXPECT_EQ(one.layout, RowLayout::kOneAnswer);
  EXPECT_EQ(one.first, "A");
}

TEST(ContentOfRow, KeepsInMindWhatIsLeftOut) {
  const RowContent content = read(R"({"messages":[
      {"role":"system","content":"S"},{"role":"user","content":"Q1"},
      {"role":"assistant","content":"A1"},{"role":"user","content":"Q2"},
      {"role":"assistant","content":"A2"}],"url":"u"})");
  EXPECT_EQ(content.question, "Q2");
  EXPECT_EQ(content.first, "A2");
  EXPECT_TRUE(content.system);
  EXPECT_TRUE(content.earlier_turns);
  EXPECT_FALSE(content.tools);
  EXPECT_THAT(content.unused_keys, ElementsAre("url"));
}

TEST(ContentOfRow, NamesAMisspeltSide) {
  EXPECT_THAT(
      message_of(R"({"question": "q", "honest": "a", "deceptve": "b"})"),
      AllOf(HasSubstr("the key \"deceptve\""),
            HasSubstr("expected \"deceptive\""), HasSubstr("misspelt")));
  EXPECT_THAT(
      message_of(R"({"question": "q", "hones": "a", "deceptive": "b"})"),
      HasSubstr("expected \"honest\""));
  // Another key beside one answer is left over as before.
  EXPECT_EQ(message_of(R"({"question": "q", "honest": "a", "host": "b"})"), "");
}

TEST(ContentOfRow, RefusesListsAsPythonPrintsThem) {
  EXPECT_THAT(message_of(R"({"question":"Q","honest":"['a', 'b']"})", {}, true),
              HasSubstr("as Python prints it"));
  EXPECT_EQ(read(R"({"question":"Q","honest":"['a', 'b']"})").first,
            "['a', 'b']");
  EXPECT_EQ(read(R"({"question":"Q","best_answer":"a",
                     "incorrect_answers":"b; c"})",
                 {}, true)
                .second,
            "b");
}

}  // namespace
}  // namespace veer
