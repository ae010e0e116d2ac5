// SPDX-License-Identifier: MIT
#include "veer/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(ParseToml, BecomesTheEqualJson) {
  const Json value = parse_toml(
      "[model]\npath = \"organism\"\n[sweep]\nscales = [0.5, 1]\n"
      "[[vector]]\nname = \"a\"\n",
      "test");
  EXPECT_EQ(value["model"]["path"], "organism");
  EXPECT_EQ(value["sweep"]["scales"], Json::parse("[0.5, 1]"));
  EXPECT_EQ(value["vector"][0]["name"], "a");
}

TEST(ParseToml, SaysWhereItIsWrong) {
  EXPECT_THAT(
      [] { parse_toml("a = 1\nb = = 2\n", "m.toml"); },
      ThrowsMessage<Error>(AllOf(HasSubstr("m.toml"), HasSubstr("line 2"))));
}

TEST(ParseJson, NamesItsOrigin) {
  EXPECT_THAT([] { parse_json("{\"a\":", "line 3 of x.jsonl"); },
              ThrowsMessage<Error>(HasSubstr("line 3 of x.jsonl")));
}

TEST(DumpJson, KeepsTheOrderAndReplacesBadBytes) {
  EXPECT_EQ(dump_json(Json{{"z", 1}, {"a", "\xff"}}),
            "{\"z\":1,\"a\":\"\xEF\xBF\xBD\"}");
}

TEST(ParseJson, ANulIsNoEndOfTheText) {
  using namespace std::string_literals;
  EXPECT_THROW(parse_json("{}\0"s, "t"), Error);
  EXPECT_THROW(parse_json("{}\0{"s, "t"), Error);
}

}  // namespace
}  // namespace veer
