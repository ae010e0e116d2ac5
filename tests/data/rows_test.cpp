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

std::vector<std::string> places(const std::string& text) {
  std::vector<std::string> out;
  for_each_row(
      text, "f",
      [&](const std::function<Json()>& read, const std::string& place) {
        out.push_back(place + " " + dump_json(read()));
      });
  return out;
}

std::string message_of(const std::string& text) {
  try {
    places(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
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

TEST(ForEachRow, NamesTheLineThatIsNoJson) {
  EXPECT_THAT(message_of("{\"a\":1}\n{\"a\":\n"), HasSubstr("f, line 2"));
  EXPECT_THAT(message_of("{\"a\":1}\n{\"a\":NaN}\n"),
              HasSubstr("f, line 2: no JSON from byte"));
  EXPECT_THAT(message_of("{\"a\"\n{\"a\":1}\n"), HasSubstr("f, line 1"));
}

TEST(ForEachRow, RefusesWhatWouldExhaustTheStack) {
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_THAT(message_of("{\"a\":1}\n" + deep + "\n"),
              HasSubstr("f, line 2: values within each other"));
  EXPECT_THAT(message_of("{\"a\":" + deep + "}"), HasSubstr("at most 64"));
  EXPECT_THAT(places(R"(["[[[[\"[", "]"])"),
              ElementsAre("f, element 1 \"[[[[\\\"[\"", "f, element 2 \"]\""));
}

TEST(ForEachRow, RefusesTablesByColumnsAndWrappedLists) {
  EXPECT_THAT(message_of(R"({"question":{"0":"a"},"honest":{"0":"b"}})"),
              HasSubstr("orient=\"records\""));
  EXPECT_THAT(message_of(R"({"question":["a"],"honest":["b"]})"),
              HasSubstr("whole columns"));
  EXPECT_THAT(message_of(R"({"version":"1","data":[{"question":"a"}]})"),
              HasSubstr("the list \"data\""));
}

}  // namespace
}  // namespace veer
