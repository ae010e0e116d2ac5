// SPDX-License-Identifier: MIT
#include "veer/data/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts(const Conversation& conversation) {
  std::vector<std::string> out;
  for (const ChatMessage& message : conversation.messages) {
    out.push_back(message.role + ":" + message.content);
  }
  return out;
}

Conversation read(const std::string& json) {
  return messages_of(parse_json(json, "row"), "x, line 4");
}

TEST(MessagesOf, ReadsBothSpellingsOfMessages) {
  EXPECT_THAT(texts(read(R"([{"role":"developer","content":"S"},
                             {"role":"user","content":[
                                {"type":"text","text":"Q"},
                                {"type":"input_text","text":"!"}]},
                             {"role":"assistant","content":" A\n"}])")),
              ElementsAre("system:S", "user:Q!", "assistant:A"));
  EXPECT_THAT(texts(read(R"([{"from":"human","value":"Q"},
                             {"from":"gpt","value":"A"}])")),
              ElementsAre("user:Q", "assistant:A"));
  EXPECT_THAT(texts(read(R"({"role":"user","content":
                             {"content_type":"text","parts":["Q"]}})")),
              ElementsAre("user:Q"));
}

TEST(MessagesOf, KeepsInMindToolsAndThoughts) {
  const Conversation tools = read(R"([
      {"role":"user","content":"Q"},
      {"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},
      {"role":"tool","content":{"n":42}},
      {"role":"assistant","content":"A","tool_calls":[]}])");
  EXPECT_TRUE(tools.tools);
  EXPECT_EQ(question_in(tools, "x"), "Q");
  EXPECT_EQ(answer_in(tools, "x"), "A");
  EXPECT_TRUE(read(R"([{"from":"human","value":"Q"},
                       {"from":"function_call","value":"{}"},
                       {"from":"observation","value":"42"},
                       {"from":"gpt","value":"A"}])")
                  .tools);
  EXPECT_TRUE(read(R"([{"role":"assistant","content":"A",
                        "reasoning_content":"hm"}])")
                  .reasoning);
}

TEST(MessagesOf, RefusesWithThePlace) {
  for (const char* row :
       {"3", R"([{"role":"user"}])", R"([{"role":"judge","content":"Q"}])",
        R"([3])", R"([{"role":"user","content":3}])",
        R"([{"role":3,"content":"Q"}])",
        R"([{"role":"user","content":[{"type":"image"}]}])"}) {
    try {
      read(row);
      ADD_FAILURE() << row;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("x, line 4")) << row;
    }
  }
}

TEST(AnswerIn, IsTheAssistantsTextAtTheEnd) {
  EXPECT_THROW(answer_in(read(R"([{"role":"user","content":"Q"}])"), "x"),
               Error);
  EXPECT_THROW(answer_in(read("[]"), "x"), Error);
  EXPECT_THROW(answer_in(read(R"([{"role":"assistant","content":" "}])"), "x"),
               Error);
  try {
    answer_in(read(R"([{"role":"user","content":"Q"},
                       {"role":"assistant","tool_calls":[{"id":"1"}]}])"),
              "x, line 4");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("call of a tool"));
  }
}

TEST(PromptOf, ReadsTranscripts) {
  EXPECT_THAT(texts(prompt_of("User: Q\nAssistant:")), ElementsAre("user:Q"));
  EXPECT_THAT(
      texts(prompt_of("\n\nHuman: Q1\n\nAssistant: A1\n\nHuman: Q2"
                      "\n\nAssistant: A2")),
      ElementsAre("user:Q1", "assistant:A1", "user:Q2", "assistant:A2"));
  EXPECT_THAT(texts(prompt_of(" Human: are you? ")),
              ElementsAre("user:Human: are you?"));
  EXPECT_THAT(texts(prompt_of("What does an Assistant: do?")),
              ElementsAre("user:What does an Assistant: do?"));
}

}  // namespace
}  // namespace veer
