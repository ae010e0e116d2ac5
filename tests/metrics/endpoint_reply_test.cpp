// SPDX-License-Identifier: MIT
#include "veer/metrics/endpoint_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

using testing::HasSubstr;

std::string reply(const std::string& message,
                  const std::string& finish = "stop") {
  return R"({"choices": [{"finish_reason": ")" + finish + R"(", "message": )" +
         message + "}]}";
}

TEST(EndpointReply, ReadsTextsAndParts) {
  EXPECT_EQ(read_reply(reply(R"({"content": "A"})"))->text, "A");
  EXPECT_EQ(read_reply(reply(R"({"content": [{"type": "text", "text": "A"},
                                             {"type": "text", "text": "."}]})"))
                ->text,
            "A.");
  EXPECT_EQ(read_reply(reply(R"({"content": "<think>B</think>A"})"))->text,
            "A");
  // A letter at the limit is a reply all the same.
  const auto limited = read_reply(reply(R"({"content": "A"})", "length"));
  EXPECT_EQ(limited->text, "A");
  EXPECT_FALSE(limited->is_cut);
}

TEST(EndpointReply, ThoughtsAloneAreNoText) {
  for (const char* message :
       {R"({"content": null, "reasoning_content": "Okay, so A"})",
        R"({"content": "<think>\nOkay, so A"})", R"({"content": ""})",
        R"({"content": null, "reasoning": "A"})"}) {
    const auto cut = read_reply(reply(message, "length"));
    ASSERT_TRUE(cut) << message;
    EXPECT_EQ(cut->text, "") << message;
    EXPECT_TRUE(cut->is_cut) << message;
    EXPECT_FALSE(read_reply(reply(message))->is_cut) << message;
  }
}

TEST(EndpointReply, ARefusalIsItsText) {
  EXPECT_EQ(
      read_reply(reply(R"({"content": null, "refusal": "I cannot."})"))->text,
      "I cannot.");
}

TEST(EndpointReply, OtherBodiesAreNone) {
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"choices": []})",
        R"({"choices": [{"message": "A"}]})",
        R"({"choices": [{"message": {"role": "assistant"}}]})",
        R"({"choices": {"0": 1}})", R"("choices")"}) {
    EXPECT_FALSE(read_reply(body)) << body;
  }
}

TEST(EndpointReply, ErrorsSayWhatTheEndpointSaid) {
  EXPECT_EQ(error_message(R"({"error": {"message": "no\nsuch key"}})"),
            "no such key");
  EXPECT_EQ(error_message(R"({"error": "later"})"), "later");
  EXPECT_EQ(error_message(R"({"message": "m"})"), "m");
  EXPECT_EQ(error_message(R"({"detail": "d"})"), "d");
  EXPECT_EQ(error_message("<html>\x1b[31m"), "<html> [31m");
  EXPECT_LT(error_message(std::string(100000, 'x')).size(), 500U);
  EXPECT_EQ(error_parameter(R"({"error": {"param": "max_tokens"}})"),
            "max_tokens");
  EXPECT_EQ(error_parameter("x"), "");
}

TEST(EndpointReply, CausesFitTheStatus) {
  EXPECT_THAT(error_cause(401), HasSubstr("key_env"));
  EXPECT_THAT(error_cause(404), HasSubstr("/v1"));
  EXPECT_THAT(error_cause(400), HasSubstr("extra_body"));
  EXPECT_THAT(error_cause(429), HasSubstr("requests_per_minute"));
  EXPECT_THAT(error_cause(503), HasSubstr("down"));
  EXPECT_THAT(error_cause(0), HasSubstr("timeout"));
}

}  // namespace
}  // namespace veer
