// SPDX-License-Identifier: MIT
#include "veer/metrics/endpoint_request.h"

#include <array>
#include <cctype>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/json_access.h"
#include "veer/metrics/endpoint_reply.h"

namespace veer {
namespace {

constexpr std::string_view kPath = "/chat/completions";
constexpr std::int64_t kLetterTokens = 8;
constexpr std::int64_t kThoughtTokens = 4096;
constexpr std::array<std::string_view, 2> kLimitNames = {
    "max_tokens", "max_completion_tokens"};

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// `name` as a word of its own in `text`.
bool names(std::string_view text, std::string_view name) {
  for (auto at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || !is_name(text[at - 1])) &&
        (end == text.size() || !is_name(text[end]))) {
      return true;
    }
  }
  return false;
}

Json extra_body(const EndpointOptions& options) {
  if (options.extra_body.empty()) {
    return Json::object();
  }
  Json extra =
      Json::parse(options.extra_body, nullptr, /*allow_exceptions=*/false);
  if (!extra.is_object()) {
    fail("judge endpoint",
         fmt::format("judge.endpoint.extra_body is {}", options.extra_body),
         R"(a JSON object, such as {"reasoning_effort": "low"})");
  }
  for (const char* own : {"model", "messages", "stream", "n"}) {
    if (extra.contains(own)) {
      fail("judge endpoint",
           fmt::format("judge.endpoint.extra_body holds \"{}\"", own),
           "keys beside the question and the form of its reply",
           "the model is judge.endpoint.model; one whole reply is read");
    }
  }
  return extra;
}

// $NAME in a header's value.
std::string with_variables(std::string_view value, std::string_view header) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::size_t end = i + 1;
    while (value[i] == '$' && end < value.size() && is_name(value[end])) {
      ++end;
    }
    if (end == i + 1) {
      text += value[i];
      continue;
    }
    const std::string name(value.substr(i + 1, end - i - 1));
    const char* found = std::getenv(name.c_str());
    if (found == nullptr) {
      fail("judge endpoint",
           fmt::format("no environment variable {} for the header \"{}\"", name,
                       header),
           "its value there");
    }
    text += found;
    i = end - 1;
  }
  return text;
}

}  // namespace

void check_endpoint(const EndpointOptions& options) {
  const bool known =
      options.url.starts_with("http://") || options.url.starts_with("https://");
  if (!known || options.model.empty()) {
    fail("judge endpoint",
         fmt::format("url \"{}\", model \"{}\"", options.url, options.model),
         "http(s)://HOST/v1 and the name of a model there");
  }
  if (!options.key_env.empty() &&
      std::getenv(options.key_env.c_str()) == nullptr) {
    fail("judge endpoint",
         fmt::format("no environment variable {}", options.key_env),
         "the key of the endpoint in it");
  }
  extra_body(options);
  endpoint_headers(options);
}

std::string completions_url(std::string_view url) {
  const auto query = std::min(url.find('?'), url.size());
  std::string path(url.substr(0, query));
  while (path.ends_with('/')) {
    path.pop_back();
  }
  if (!path.ends_with(kPath)) {
    path += kPath;
  }
  return path + std::string(url.substr(query));
}

std::vector<std::string> endpoint_headers(const EndpointOptions& options) {
  std::vector<std::string> headers;
  for (const auto& header : options.headers) {
    const auto colon = header.find(':');
    if (colon == std::string::npos || colon == 0 ||
        header.find_first_of("\r\n") != std::string::npos) {
      fail("judge endpoint",
           fmt::format("judge.endpoint.headers holds \"{}\"", header),
           "\"Name: value\", such as \"api-key: $NAME_OF_A_VARIABLE\"");
    }
    const auto name = header.substr(0, colon);
    headers.push_back(name + ":" +
                      with_variables(header.substr(colon + 1), name));
    if (headers.back().find_first_of("\r\n") != std::string::npos) {
      fail("judge endpoint",
           fmt::format("the value of the header \"{}\" has a line break", name),
           "one line");
    }
  }
  return headers;
}

std::string endpoint_question(const EndpointOptions& options,
                              const std::string& prompt) {
  // Replies that were kept before there were other keys had these.
  Json question = {{"model", options.model},
                   {"messages", {{{"role", "user"}, {"content", prompt}}}},
                   {"temperature", 0},
                   {"max_tokens", kLetterTokens}};
  if (options.temperature != 0.0) {
    question["temperature"] = options.temperature;
  }
  if (const Json extra = extra_body(options); !extra.empty()) {
    question["extra"] = extra;
  }
  return dump_json(question);
}

EndpointRequest::EndpointRequest(const EndpointOptions& options)
    : limit_name_(options.token_limit_name),
      token_limit_(options.token_limit > 0 ? options.token_limit
                                           : kLetterTokens),
      may_grow_(options.token_limit == 0 && !options.token_limit_name.empty()) {
  check_endpoint(options);
  parameters_ = {{"model", options.model}};
  if (options.temperature == 0.0) {
    parameters_["temperature"] = 0;
  } else {
    parameters_["temperature"] = options.temperature;
  }
  if (!limit_name_.empty()) {
    parameters_[limit_name_] = token_limit_;
  }
  const Json extra = extra_body(options);
  for (const auto& [key, value] : extra.items()) {
    if (value.is_null()) {
      parameters_.erase(key);
    } else {
      parameters_[key] = value;
    }
    // Who sets a limit there means that one.
    for (const auto name : kLimitNames) {
      if (key == name) {
        may_grow_ = false;
        token_limit_ = value.is_number_integer() ? value.get<std::int64_t>()
                                                 : token_limit_;
        if (name != limit_name_) {
          parameters_.erase(limit_name_);
        }
      }
    }
  }
}

std::string EndpointRequest::body(const std::string& prompt) const {
  Json body = parameters_;
  body["messages"] = {{{"role", "user"}, {"content", prompt}}};
  return dump_json(body);
}

std::optional<std::string> EndpointRequest::do_without(
    const std::string& sent, const std::string& reply) {
  const Json body = Json::parse(sent, nullptr, /*allow_exceptions=*/false);
  const auto said = error_message(reply);
  const auto named = error_parameter(reply);
  for (const auto& [key, value] : body.items()) {
    if (key == "model" || key == "messages" ||
        !(named == key || names(said, key))) {
      continue;
    }
    if (!parameters_.contains(key)) {
      return "";  // one that was sent at the same time has been refused before
    }
    if (!tried_.insert(key).second) {
      return std::nullopt;
    }
    const Json kept = parameters_[key];
    parameters_.erase(key);
    for (std::size_t i = 0; i < kLimitNames.size(); ++i) {
      const std::string other(kLimitNames[1 - i]);
      if (key == kLimitNames[i] && names(said, other) &&
          !tried_.contains(other)) {
        parameters_[other] = kept;
        limit_name_ = other;
        return fmt::format(
            "the endpoint refuses \"{}\" and suggests \"{}\", which is sent "
            "from now on; it said: {}",
            key, other, said);
      }
    }
    return fmt::format(
        "the endpoint refuses \"{}\", which is left out from now on; it said: "
        "{}",
        key, said);
  }
  return std::nullopt;
}

std::optional<std::string> EndpointRequest::make_room(const std::string& sent) {
  if (!may_grow_ || !parameters_.contains(limit_name_)) {
    return std::nullopt;
  }
  const Json body = Json::parse(sent, nullptr, /*allow_exceptions=*/false);
  const Json& limit = member(body, limit_name_.c_str());
  if (limit.is_number_integer() && limit.get<std::int64_t>() > kLetterTokens) {
    return std::nullopt;
  }
  if (token_limit_ == kThoughtTokens) {
    return "";
  }
  token_limit_ = kThoughtTokens;
  parameters_[limit_name_] = token_limit_;
  return fmt::format(
      "the endpoint's model thinks before it answers: its replies may have {} "
      "tokens from now on (judge.endpoint.token_limit)",
      token_limit_);
}

}  // namespace veer
