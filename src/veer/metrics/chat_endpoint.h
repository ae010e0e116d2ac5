// SPDX-License-Identifier: MIT
//
// An OpenAI-compatible endpoint (POST URL/chat/completions), asked for one
// short reply per request, several at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "veer/base/progress.h"
#include "veer/metrics/endpoint_reply.h"
#include "veer/metrics/endpoint_request.h"

namespace veer {

class ChatEndpoint {
 public:
  // Throws Error as check_endpoint does.
  explicit ChatEndpoint(EndpointOptions options);

  const EndpointOptions& options() const { return options_; }
  // Tokens that a reply may have, as far as is known now.
  std::int64_t token_limit() const { return request_.token_limit(); }

  // Called with a prompt's place in the list and what was replied.
  using Arrived = std::function<void(std::size_t, const EndpointReply&)>;
  // Sends every prompt. Calls `arrived` in this thread, in order of arrival.
  // Silence and status 408, 429 and 5xx are tried again; "Retry-After" holds
  // all requests back. A parameter that the endpoint refuses by name is left
  // out from then on, and a model that thinks first gets room for it; both are
  // told to the monitor. Error{kFailed} when one has no reply after all
  // retries, is refused, or when the first eight replies all end in thoughts;
  // those under way are waited for and handed over before. Error{kInterrupted}
  // on a stop, which ends those under way.
  void ask(std::span<const std::string> prompts, const Arrived& arrived,
           const Monitor& monitor);

 private:
  EndpointOptions options_;
  EndpointRequest request_;
  // Nothing is sent before: the rate holds from one list to the next.
  std::chrono::steady_clock::time_point hold_until_;
};

}  // namespace veer
