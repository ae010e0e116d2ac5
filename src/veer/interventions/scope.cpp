// SPDX-License-Identifier: MIT
#include "veer/interventions/scope.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kSkipFirst = "+skip_first";

[[noreturn]] void refuse(std::string_view text) {
  fail("token scope", fmt::format("\"{}\"", text),
       "all, prompt, generated, thinking, from:POSITION or first:COUNT, each "
       "with an optional +skip_first");
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

PositionRange positions_of(const TokenScope& scope, std::int64_t prompt_length,
                           const PositionRange& thinking) {
  const std::int64_t prompt_end = prompt_length - 1;
  PositionRange range{0, kEndless};
  switch (scope.kind) {
    case TokenScope::Kind::kAll:
      break;
    case TokenScope::Kind::kPrompt:
      range.end = prompt_length;
      break;
    case TokenScope::Kind::kGenerated:
      range.begin = prompt_end;
      break;
    case TokenScope::Kind::kFrom:
      range.begin = scope.value < 0
                        ? std::max<std::int64_t>(0, prompt_length + scope.value)
                        : scope.value;
      break;
    case TokenScope::Kind::kFirst:
      range = {prompt_end, prompt_end + scope.value};
      break;
    case TokenScope::Kind::kThinking:
      range = thinking;
      break;
  }
  if (scope.skip_first) {
    range.begin = std::max<std::int64_t>(range.begin, 1);
  }
  return range;
}

TokenScope parse_scope(std::string_view text) {
  const auto whole = text;
  TokenScope scope;
  if (text.ends_with(kSkipFirst)) {
    scope.skip_first = true;
    text.remove_suffix(kSkipFirst.size());
  }
  const auto colon = text.find(':');
  const auto kind = text.substr(0, colon);
  const bool plain = colon == std::string_view::npos;
  const auto value =
      whole_number(plain ? std::string_view{} : text.substr(colon + 1));
  if (plain && kind == "all") {
    scope.kind = TokenScope::Kind::kAll;
  } else if (plain && kind == "prompt") {
    scope.kind = TokenScope::Kind::kPrompt;
  } else if (plain && kind == "generated") {
    scope.kind = TokenScope::Kind::kGenerated;
  } else if (plain && kind == "thinking") {
    scope.kind = TokenScope::Kind::kThinking;
  } else if (kind == "from" && value) {
    scope.kind = TokenScope::Kind::kFrom;
  } else if (kind == "first" && value && *value >= 0) {
    scope.kind = TokenScope::Kind::kFirst;
  } else {
    refuse(whole);
  }
  scope.value = plain ? 0 : value.value_or(0);
  return scope;
}

std::string scope_name(const TokenScope& scope) {
  std::string name;
  switch (scope.kind) {
    case TokenScope::Kind::kAll:
      name = "all";
      break;
    case TokenScope::Kind::kPrompt:
      name = "prompt";
      break;
    case TokenScope::Kind::kGenerated:
      name = "generated";
      break;
    case TokenScope::Kind::kFrom:
      name = fmt::format("from:{}", scope.value);
      break;
    case TokenScope::Kind::kFirst:
      name = fmt::format("first:{}", scope.value);
      break;
    case TokenScope::Kind::kThinking:
      name = "thinking";
      break;
  }
  return scope.skip_first ? name + std::string(kSkipFirst) : name;
}

}  // namespace veer
