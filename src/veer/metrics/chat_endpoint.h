// SPDX-License-Identifier: MIT
//
// An OpenAI-compatible endpoint (POST URL/chat/completions), asked for one
// short reply per request, several at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "veer/base/progress.h"

namespace veer {

struct EndpointOptions {
  std::string url;  // up to and with /v1
  std::string model;
  std::string key_env;  // environment variable with the key; "" = none
  double timeout_seconds = 60.0;     // of one request
  std::int64_t retries = 5;          // of one request
  double first_wait_seconds = 1.0;   // doubled with every retry
  double requests_per_minute = 0.0;  // of all together; 0 = no limit
  std::int64_t parallel = 4;         // requests under way at a time
};

// Throws Error on options that no request can be made with: no address, no
// model, no key where one is named.
void check_endpoint(const EndpointOptions& options);

class ChatEndpoint {
 public:
  // Throws Error as check_endpoint does.
  explicit ChatEndpoint(EndpointOptions options);

  const std::string& model() const { return options_.model; }
  // The body of a request for a reply of one word.
  std::string body_of(const std::string& prompt) const;

  // Called with a prompt's place in the list and what was replied.
  using Arrived = std::function<void(std::size_t, const std::string&)>;
  // Sends every prompt. Calls `arrived` in this thread, in order of arrival.
  // Silence and status 408, 429 and 5xx are tried again; "Retry-After" holds
  // all requests back. Error{kFailed} when one has no reply after all retries,
  // or is refused; those under way are waited for and handed over before.
  // Error{kInterrupted} on a stop, which ends those under way.
  void ask(std::span<const std::string> prompts, const Arrived& arrived,
           const Monitor& monitor);

 private:
  EndpointOptions options_;
  // Nothing is sent before: the rate holds from one list to the next.
  std::chrono::steady_clock::time_point hold_until_;
};

}  // namespace veer
