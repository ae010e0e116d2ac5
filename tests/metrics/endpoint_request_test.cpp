// SPDX-License-Identifier: MIT
#include "veer/metrics/endpoint_request.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using testing::HasSubstr;

EndpointOptions options() {
  EndpointOptions options;
  options.url = "http://host/v1";
  options.model = "m";
  return options;
}

Json body_of(const EndpointRequest& request) {
  return Json::parse(request.body("asked"));
}

std::string refusal(const std::string& message, const std::string& param = {}) {
  Json error = {{"message", message}};
  if (!param.empty()) {
    error["param"] = param;
  }
  return Json{{"error", error}}.dump();
}

TEST(EndpointRequest, AsksForOneShortReply) {
  const Json body = body_of(EndpointRequest(options()));
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["max_tokens"], 8);
  EXPECT_EQ(body["messages"][0]["content"], "asked");
  EXPECT_EQ(body.size(), 4U);
}

TEST(EndpointRequest, AddressesAreCompleted) {
  for (const char* url :
       {"http://h/v1", "http://h/v1/", "http://h/v1//",
        "http://h/v1/chat/completions", "http://h/v1/chat/completions/"}) {
    EXPECT_EQ(completions_url(url), "http://h/v1/chat/completions") << url;
  }
  EXPECT_EQ(completions_url("https://h/d/?api-version=1"),
            "https://h/d/chat/completions?api-version=1");
}

TEST(EndpointRequest, TakesTheUsersParameters) {
  auto wanted = options();
  wanted.temperature = 0.5;
  wanted.token_limit_name = "max_completion_tokens";
  wanted.token_limit = 100;
  wanted.extra_body = R"({"reasoning_effort": "low", "seed": 1})";
  Json body = body_of(EndpointRequest(wanted));
  EXPECT_EQ(body["temperature"], 0.5);
  EXPECT_EQ(body["max_completion_tokens"], 100);
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_EQ(body["reasoning_effort"], "low");
  wanted.token_limit_name = "";
  wanted.extra_body = R"({"temperature": null})";
  body = body_of(EndpointRequest(wanted));
  EXPECT_EQ(body.size(), 2U) << body;
}

TEST(EndpointRequest, RefusesAnExtraBodyThatIsNone) {
  for (const char* bad : {"[1]", "low", "{\"a\": 1", "{\"model\": \"x\"}",
                          "{\"stream\": true}"}) {
    auto wanted = options();
    wanted.extra_body = bad;
    EXPECT_THROW(check_endpoint(wanted), Error) << bad;
  }
}

TEST(EndpointRequest, HeadersTakeVariables) {
  setenv("VEER_TEST_KEY", "secret", 1);
  auto wanted = options();
  wanted.headers = {"api-key: $VEER_TEST_KEY", "X-Price: 5$"};
  EXPECT_THAT(endpoint_headers(wanted),
              testing::ElementsAre("api-key: secret", "X-Price: 5$"));
  for (const char* bad :
       {"no colon", ": x", "a: b\nc: d", "a: $VEER_TEST_UNSET"}) {
    wanted.headers = {bad};
    EXPECT_THROW(check_endpoint(wanted), Error) << bad;
  }
  setenv("VEER_TEST_KEY", "two\nlines", 1);
  wanted.headers = {"api-key: $VEER_TEST_KEY"};
  EXPECT_THROW(check_endpoint(wanted), Error);
}

TEST(EndpointRequest, AParameterThatIsRefusedGoesOnceAndIsTold) {
  EndpointRequest request(options());
  const auto first = request.body("asked");
  const auto said = request.do_without(
      first, refusal("'temperature' does not support 0 with this model."));
  ASSERT_TRUE(said);
  EXPECT_THAT(*said, HasSubstr("\"temperature\", which is left out"));
  EXPECT_FALSE(body_of(request).contains("temperature"));
  // Another request with the same body was under way.
  EXPECT_EQ(request.do_without(first, refusal("temperature")), "");
  EXPECT_FALSE(request.do_without(request.body("asked"),
                                  refusal("temperature is still bad")));
}

TEST(EndpointRequest, ALimitGetsTheNameThatIsSuggested) {
  EndpointRequest request(options());
  const auto said = request.do_without(
      request.body("asked"), refusal("Unsupported parameter: 'max_tokens'. Use "
                                     "'max_completion_tokens' instead.",
                                     "max_tokens"));
  ASSERT_TRUE(said);
  const Json body = body_of(request);
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_EQ(body["max_completion_tokens"], 8);
  // And grows under its new name.
  EXPECT_TRUE(request.make_room(request.body("asked")));
  EXPECT_EQ(body_of(request)["max_completion_tokens"], 4096);
  // A refusal of that one as well: no limit is sent.
  EXPECT_TRUE(
      request.do_without(request.body("asked"),
                         refusal("max_completion_tokens? Use max_tokens.")));
  EXPECT_EQ(body_of(request).size(), 3U);
}

TEST(EndpointRequest, OtherRefusalsLeaveNothingToTry) {
  EndpointRequest request(options());
  for (const char* said : {"The model `m` does not exist", "messages too long",
                           "nonsense", "my_temperature_x is odd"}) {
    EXPECT_FALSE(request.do_without(request.body("asked"), refusal(said)))
        << said;
  }
}

TEST(EndpointRequest, AKeyOfTheExtraBodyCanBeRefused) {
  auto wanted = options();
  wanted.extra_body = R"({"reasoning_effort": "low"})";
  EndpointRequest request(wanted);
  EXPECT_TRUE(
      request.do_without(request.body("asked"),
                         R"({"detail": "Extra inputs: reasoning_effort"})"));
  EXPECT_FALSE(body_of(request).contains("reasoning_effort"));
}

TEST(EndpointRequest, RoomForThoughtsIsMadeOnce) {
  EndpointRequest request(options());
  const auto small = request.body("asked");
  EXPECT_THAT(request.make_room(small).value_or(""), HasSubstr("4096"));
  EXPECT_EQ(request.token_limit(), 4096);
  EXPECT_EQ(request.make_room(small), "");  // was under way
  EXPECT_FALSE(request.make_room(request.body("asked")));
  auto own = options();
  own.token_limit = 20;
  EndpointRequest fixed(own);
  EXPECT_FALSE(fixed.make_room(fixed.body("asked")));
}

TEST(EndpointRequest, WhatIsAskedIsToldApartByWhatDecides) {
  const auto plain = endpoint_question(options(), "asked");
  auto other = options();
  other.token_limit = 100;
  other.url = "http://elsewhere/v1";
  other.token_limit_name = "max_completion_tokens";
  EXPECT_EQ(endpoint_question(other, "asked"), plain);
  other.temperature = 1.0;
  EXPECT_NE(endpoint_question(other, "asked"), plain);
  other = options();
  other.extra_body = R"({"seed": 1})";
  EXPECT_NE(endpoint_question(other, "asked"), plain);
}

}  // namespace
}  // namespace veer
