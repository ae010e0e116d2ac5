// SPDX-License-Identifier: MIT
#include "veer/data/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> conversation(const std::string& json) {
  std::vector<std::string> out;
  for (const ChatMessage& message :
       chat_messages_of(parse_json(json, "row"), "x, line 4")) {
    out.push_back(message.role + ":" + message.content);
  }
  return out;
}

TEST(ChatMessagesOf, ReadsEveryLayout) {
  const auto pair = ElementsAre("user:Q", "assistant:A");
  EXPECT_THAT(conversation(R"([{"role":"user","content":"Q"},
                               {"role":"assistant","content":" A\n"}])"),
              pair);
  EXPECT_THAT(conversation(R"({"messages":[{"role":"user",
      "content":[{"type":"text","text":"Q"}]},
      {"role":"assistant","content":"A"}]})"),
              pair);
  EXPECT_THAT(conversation(R"({"conversations":[{"from":"human","value":"Q"},
                               {"from":"gpt","value":"A"}]})"),
              pair);
  EXPECT_THAT(conversation(R"({"prompt":"Q","completion":"A"})"), pair);
  EXPECT_THAT(
      conversation(R"({"prompt":"User: Q\nAssistant:","completion":" A\n"})"),
      pair);
  EXPECT_THAT(conversation(R"({"instruction":"Q","input":"I","output":"A"})"),
              ElementsAre("user:Q\n\nI", "assistant:A"));
}

TEST(ChatMessagesOf, RefusesWithThePlace) {
  for (const char* row :
       {R"({"text":"a"})", R"([{"role":"user","content":"Q"}])", "[]", "3",
        R"([{"role":"user"},{"role":"assistant","content":"A"}])",
        R"([{"role":"judge","content":"Q"}])",
        R"({"prompt":"Q","completion":" "})",
        R"({"prompt":["Q"],"completion":"A"})",
        R"([{"role":"user","content":[{"type":"image"}]},
            {"role":"assistant","content":"A"}])"}) {
    try {
      conversation(row);
      ADD_FAILURE() << row;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("x, line 4")) << row;
    }
  }
}

std::vector<std::string> places(const std::string& text) {
  std::vector<std::string> out;
  for_each_row(text, "f",
               [&](const Json& row, const std::string& place, std::int64_t) {
                 out.push_back(place + " " + dump_json(row));
               });
  return out;
}

TEST(ForEachRow, TellsLinesFromOneDocument) {
  EXPECT_THAT(places("{\"a\":1}\n\n{\"a\":2}\n"),
              ElementsAre("f, line 1 {\"a\":1}", "f, line 3 {\"a\":2}"));
  EXPECT_THAT(places("[1,\n2]"),
              ElementsAre("f, element 1 1", "f, element 2 2"));
  EXPECT_THAT(places("{\"a\":\n1}"), ElementsAre("f {\"a\":1}"));
  EXPECT_THAT(places("[{\"role\":\"user\"}]"),
              ElementsAre("f [{\"role\":\"user\"}]"));
  EXPECT_THAT(places(" \n"), ElementsAre());
}

}  // namespace
}  // namespace veer
