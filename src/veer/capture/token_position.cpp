// SPDX-License-Identifier: MIT
#include "veer/capture/token_position.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

using Kind = TokenPosition::Kind;

constexpr std::string_view kTokenPrefix = "answer_token.";

constexpr std::array<std::pair<Kind, std::string_view>, 10> kNames = {{
    {Kind::kPromptEnd, "prompt_end"},
    {Kind::kAnswerFirst, "answer_first"},
    {Kind::kAnswerLast, "answer_last"},
    {Kind::kAnswerMean, "answer_mean"},
    {Kind::kSystem, "span.system"},
    {Kind::kQuestion, "span.question"},
    {Kind::kTemplate, "span.template"},
    {Kind::kThinking, "thinking"},
    {Kind::kAll, "all"},
    {Kind::kLegacyLast, "legacy_last"},
}};

std::vector<std::int64_t> range(std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> tokens;
  for (std::int64_t t = begin; t < end; ++t) {
    tokens.push_back(t);
  }
  return tokens;
}

std::vector<std::int64_t> of_role(const EncodedChat& text, TokenRole role) {
  std::vector<std::int64_t> tokens;
  for (std::size_t t = 0; t < text.roles.size(); ++t) {
    if (text.roles[t] == role) {
      tokens.push_back(static_cast<std::int64_t>(t));
    }
  }
  return tokens;
}

std::vector<std::int64_t> answer_token(const EncodedChat& text,
                                       std::int64_t index) {
  const std::int64_t token = text.answer_begin + index;
  return range(token, token < text.answer_end ? token + 1 : token);
}

}  // namespace

std::string TokenPosition::name() const {
  for (const auto& [known, name] : kNames) {
    if (known == kind) {
      return std::string(name);
    }
  }
  return fmt::format("{}{}", kTokenPrefix, index);
}

bool TokenPosition::in_prompt() const {
  return kind == Kind::kPromptEnd || kind == Kind::kSystem ||
         kind == Kind::kQuestion;
}

TokenPosition parse_position(std::string_view name) {
  std::string names;
  for (const auto& [kind, known] : kNames) {
    if (known == name) {
      return {kind};
    }
    names += std::string(known) + ", ";
  }
  if (name.starts_with(kTokenPrefix)) {
    const auto digits = name.substr(kTokenPrefix.size());
    std::int64_t index = -1;
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, index);
    if (error == std::errc() && stop == end && index >= 0) {
      return {Kind::kAnswerToken, index};
    }
  }
  fail("parse token position", fmt::format("\"{}\"", name),
       "one of " + names + "answer_token.K");
}

std::vector<std::int64_t> position_tokens(const EncodedChat& text,
                                          TokenPosition position) {
  const auto length = static_cast<std::int64_t>(text.ids.size());
  switch (position.kind) {
    case Kind::kPromptEnd:
      return range(text.prompt_length - 1, text.prompt_length);
    case Kind::kAnswerFirst:
      return answer_token(text, 0);
    case Kind::kAnswerToken:
      return answer_token(text, position.index);
    case Kind::kAnswerLast:
      return range(std::max(text.answer_end - 1, text.answer_begin),
                   text.answer_end);
    case Kind::kAnswerMean:
      return range(text.answer_begin, text.answer_end);
    case Kind::kSystem:
      return of_role(text, TokenRole::kSystem);
    case Kind::kQuestion:
      return of_role(text, TokenRole::kQuestion);
    case Kind::kTemplate:
      return of_role(text, TokenRole::kTemplate);
    case Kind::kThinking:
      return range(text.thinking.begin, text.thinking.end);
    case Kind::kAll:
      return range(1, length);
    case Kind::kLegacyLast:
      return range(length - 1, length);
  }
  return {};
}

}  // namespace veer
