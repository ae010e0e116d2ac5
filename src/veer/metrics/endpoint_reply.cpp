// SPDX-License-Identifier: MIT
#include "veer/metrics/endpoint_reply.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/base/json_access.h"
#include "veer/metrics/letter_reply.h"

namespace veer {
namespace {

constexpr std::size_t kLongestMessage = 400;

Json parsed(const std::string& body) {
  return Json::parse(body, nullptr, /*allow_exceptions=*/false);
}

// A text, or the texts of its parts, put together.
std::string text_of(const Json& content) {
  if (content.is_string()) {
    return content.get<std::string>();
  }
  std::string text;
  if (content.is_array()) {
    for (const auto& part : content) {
      text += part.is_string() ? part.get<std::string>()
                               : string_member(part, "text");
    }
  }
  return text;
}

std::string on_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (text.size() > kLongestMessage) {
    text = text.substr(0, kLongestMessage) + " ...";
  }
  // dump_json replaces what a cut has left of a character.
  const std::string quoted = dump_json(text);
  return Json::parse(quoted).get<std::string>();
}

}  // namespace

std::optional<EndpointReply> read_reply(const std::string& body) {
  const Json reply = parsed(body);
  const Json::json_pointer path("/choices/0/message");
  if (!reply.is_object() || !reply.contains(path) ||
      !reply.at(path).is_object()) {
    return std::nullopt;
  }
  const Json& message = reply.at(path);
  if (!message.contains("content") && !message.contains("reasoning_content") &&
      !message.contains("reasoning") && !message.contains("refusal")) {
    return std::nullopt;
  }
  EndpointReply read;
  read.text = without_thoughts(text_of(member(message, "content")));
  const bool is_blank =
      read.text.find_first_not_of(" \t\r\n") == std::string::npos;
  const Json& choice = reply.at("choices").at(0);
  read.is_cut = is_blank && string_member(choice, "finish_reason") == "length";
  if (is_blank) {
    read.text = string_member(message, "refusal");
  }
  return read;
}

std::string error_message(const std::string& body) {
  const Json reply = parsed(body);
  const Json& error = member(reply, "error");
  for (const auto& said :
       {string_member(error, "message"), text_of(error),
        string_member(reply, "message"), text_of(member(reply, "detail"))}) {
    if (!said.empty()) {
      return on_one_line(said);
    }
  }
  return on_one_line(body);
}

std::string error_parameter(const std::string& body) {
  return string_member(member(parsed(body), "error"), "param");
}

std::string error_cause(long status) {
  switch (status) {
    case 0:
      return "nothing listens at that address, or it is slower than "
             "judge.endpoint.timeout";
    case 200:
      return "the address is not that of an OpenAI-compatible endpoint; it "
             "usually ends with /v1";
    case 400:
    case 422:
      return "the endpoint does not take a parameter of the request: see "
             "judge.endpoint.token_limit_name, temperature and extra_body";
    case 401:
    case 403:
      return "the key is missing or wrong: judge.endpoint.key_env names the "
             "environment variable that holds it";
    case 404:
      return "the address (it usually ends with /v1) or the model's name is "
             "not known there";
    case 408:
    case 429:
      return "the endpoint is busy or limits the rate "
             "(judge.endpoint.requests_per_minute)";
    default:
      return status >= 500 ? "the endpoint is down or overloaded"
                           : "the endpoint refuses the request";
  }
}

}  // namespace veer
