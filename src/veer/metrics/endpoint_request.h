// SPDX-License-Identifier: MIT
//
// What is sent to an OpenAI-compatible endpoint (POST URL/chat/completions).
// Endpoints differ in the parameters that they take, so a request can do
// without one that was refused. No torch in this file.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"

namespace veer {

struct EndpointOptions {
  // Up to and with /v1. A slash at the end, the path /chat/completions and a
  // query ("?api-version=...") may stand there too.
  std::string url;
  std::string model;
  std::string key_env;  // environment variable with the key; "" = none
  // Further headers, "Name: value"; $NAME in a value is that environment
  // variable, so that no secret stands in a manifest.
  std::vector<std::string> headers;
  double temperature = 0.0;
  // The parameter that limits a reply, "" = none is sent, and the limit in
  // tokens. 0 = enough for a letter, and enough for a model that thinks first
  // as soon as one is seen to.
  std::string token_limit_name = "max_tokens";
  std::int64_t token_limit = 0;
  // A JSON object whose keys join the request; null takes a key out.
  std::string extra_body;
  double timeout_seconds = 60.0;     // of one request
  std::int64_t retries = 5;          // of one request
  double first_wait_seconds = 1.0;   // doubled with every retry
  double requests_per_minute = 0.0;  // of all together; 0 = no limit
  std::int64_t parallel = 4;         // requests under way at a time
};

// Throws Error on options that no request can be made with: no address, no
// model, no key where one is named, an extra body that is no object, a header
// without a name or with an unset variable.
void check_endpoint(const EndpointOptions& options);

// Where requests go: the address with /chat/completions.
std::string completions_url(std::string_view url);

// "Name: value" of all headers that are the user's, variables put in.
std::vector<std::string> endpoint_headers(const EndpointOptions& options);

// What decides about a reply: model, prompt, temperature and extra body. A
// kept reply serves again for the same one; the limit and the parameters that
// were refused are left out.
std::string endpoint_question(const EndpointOptions& options,
                              const std::string& prompt);

// Makes the bodies of requests. Changes while requests are under way, under
// the caller's lock.
class EndpointRequest {
 public:
  // Throws Error as check_endpoint does.
  explicit EndpointRequest(const EndpointOptions& options);

  std::string body(const std::string& prompt) const;
  // Tokens that a reply may have.
  std::int64_t token_limit() const { return token_limit_; }

  // A refusal (status 400 or 422) of a request whose body was `sent`: leaves
  // out, from now on, the parameter that `reply` names, or gives it the name
  // that the reply suggests. Returns what to tell the user; empty text when
  // another request's refusal has led to that before; nothing when the reply
  // names no parameter that could go, so that there is nothing to try.
  std::optional<std::string> do_without(const std::string& sent,
                                        const std::string& reply);

  // A reply ended in its thoughts: gives room for them. Returns what to tell
  // the user (empty text as above), nothing when the limit is the user's or
  // was raised before `sent` was.
  std::optional<std::string> make_room(const std::string& sent);

 private:
  Json parameters_;  // the body without its messages
  std::string limit_name_;
  std::int64_t token_limit_;
  bool may_grow_;
  std::set<std::string> tried_;  // parameters that were left out or renamed
};

}  // namespace veer
