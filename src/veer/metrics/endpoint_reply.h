// SPDX-License-Identifier: MIT
//
// What an OpenAI-compatible endpoint replies. No torch in this file.
#pragma once

#include <optional>
#include <string>

namespace veer {

struct EndpointReply {
  // choices[0].message.content: a text, or the texts of its parts; without
  // the thoughts before it. Empty when there is none, as of a model that has
  // only thought, or has refused.
  std::string text;
  // The reply ended at its token limit before there was any text.
  bool is_cut = false;
};

// Nothing when the body is no chat completion, as a gateway's page of HTML.
std::optional<EndpointReply> read_reply(const std::string& body);

// What an error's body says, on one line and of bounded length: error.message,
// message or detail where it is JSON, else the beginning of its text.
std::string error_message(const std::string& body);

// The parameter that an error's body names in a field of its own
// (error.param); empty when there is none.
std::string error_parameter(const std::string& body);

// Why a request is refused with this status, and what to do.
std::string error_cause(long status);

}  // namespace veer
