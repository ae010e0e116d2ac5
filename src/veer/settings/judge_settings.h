// SPDX-License-Identifier: MIT
//
// [judge] of the manifest. No torch in this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veer {

// Of "endpoint" as judge.kind or in judge.further.
struct JudgeEndpointSettings {
  // What is asked. A kept reply serves again wherever the same model answers,
  // so that the address may change.
  std::string url;
  std::string model;
  double temperature = 0.0;
  std::string extra_body;
  // How. A stage that was stopped goes on with other values of these.
  std::string key_env;
  std::vector<std::string> headers;
  std::string token_limit_name = "max_tokens";
  std::int64_t token_limit = 0;
  double timeout = 60.0;
  std::int64_t retries = 5;
  double first_wait = 1.0;
  double requests_per_minute = 0.0;
  std::int64_t parallel = 4;
  // The price is estimated before anything is sent; what would lead above the
  // limit is not, within one call. 0 = what costs something is never sent.
  double price = 0.0;
  double cost_limit = 0.0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("url", self.url, "OpenAI-compatible, http(s)://HOST/v1");
    field("model", self.model, "name of the model there");
    field("temperature", self.temperature, "of its replies");
    field("extra_body", self.extra_body,
          "JSON object that joins every request, such as "
          "{\"reasoning_effort\": \"low\"}; null takes a key out");
    field("key_env", self.key_env,
          "environment variable that holds the key, empty = none");
    field("headers", self.headers,
          "more headers, \"Name: value\"; $NAME in a value is that "
          "environment variable");
    field("token_limit_name", self.token_limit_name,
          "parameter that limits a reply: max_tokens, max_completion_tokens; "
          "empty = none is sent");
    field("token_limit", self.token_limit,
          "tokens of a reply; 0 = 8, and 4096 once a model is seen to think "
          "first");
    field("timeout", self.timeout, "seconds for one request");
    field("retries", self.retries, "of one request");
    field("first_wait", self.first_wait,
          "seconds before the first retry, doubled each time");
    field("requests_per_minute", self.requests_per_minute,
          "of all together, 0 = no limit");
    field("parallel", self.parallel,
          "requests under way at a time, 256 at most");
    field("price", self.price, "of a million tokens, for the estimate");
    field("cost_limit", self.cost_limit,
          "one call asks for no more than is estimated to cost this");
  }
};

struct JudgeSettings {
  // Judges every answer of the sweep.
  std::string kind = "auto";
  // Judge a sample of its answers once more, each by itself.
  std::vector<std::string> further;
  std::int64_t answers = 200;
  JudgeEndpointSettings endpoint;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("kind", self.kind,
          "exact (organism); for any model logprob (a score), self, choice or "
          "endpoint (labels); auto: exact or logprob");
    field("further", self.further,
          "judges of the finished sweep: self, choice (both the base model), "
          "endpoint; empty = none");
    field("answers", self.answers, "answers that they get, 0 = all");
    field("endpoint", self.endpoint, "");
  }
};

}  // namespace veer
