// SPDX-License-Identifier: MIT
#include "veer/text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/core.h>
#include <pcre2.h>

#include "veer/base/error.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;
constexpr std::size_t kJitStackBytes = 32 * 1024;
constexpr std::size_t kMaxJitStackBytes = 16 * 1024 * 1024;
// PCRE2's own limit; grows with the text, since one run of white space
// costs a step a character.
constexpr std::uint64_t kMatchLimit = 10'000'000;

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

const pcre2_code* code_of(const std::shared_ptr<const void>& code) {
  return static_cast<const pcre2_code*>(code.get());
}

}  // namespace

struct Regex::Scratch::State {
  pcre2_match_data* match = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack =
      pcre2_jit_stack_create(kJitStackBytes, kMaxJitStackBytes, nullptr);

  State() {
    if (match == nullptr || context == nullptr) {
      fail_run("prepare a regular expression", "out of memory");
    }
    if (stack != nullptr) {
      pcre2_jit_stack_assign(context, nullptr, stack);
    }
  }
  ~State() {
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Regex::Scratch::Scratch() = default;
Regex::Scratch::~Scratch() = default;

Regex Regex::compile(std::string_view pattern, std::string_view origin) {
  if (pattern.size() > kMaxPatternBytes) {
    fail("compile a regular expression",
         fmt::format("{}: {} bytes", origin, pattern.size()),
         fmt::format("at most {} bytes", kMaxPatternBytes));
  }
  const std::string rewritten = to_pcre2(pattern, origin);
  const std::unique_ptr<pcre2_compile_context,
                        decltype(&pcre2_compile_context_free)>
      context(pcre2_compile_context_create(nullptr),
              &pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(rewritten.data()), rewritten.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
      &offset, context.get());
  if (code == nullptr) {
    fail("compile a regular expression",
         fmt::format("{}: {} at byte {} of `{}`", origin, message_of(error),
                     offset, rewritten.substr(0, 200)),
         "a valid pattern");
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it: slower, equal
  Regex out;
  out.pattern_ = pattern;
  out.code_ = std::shared_ptr<const void>(code, [](const void* p) {
    pcre2_code_free(const_cast<pcre2_code*>(static_cast<const pcre2_code*>(p)));
  });
  return out;
}

std::string Regex::escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}-#&~").find(c) !=
        std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

bool Regex::search(std::string_view text, std::size_t from, Scratch& scratch,
                   Match& match) const {
  if (!scratch.state_) {
    scratch.state_ = std::make_unique<Scratch::State>();
  }
  auto& state = *scratch.state_;
  const std::uint64_t limit = kMatchLimit + 16 * std::uint64_t{text.size()};
  pcre2_set_match_limit(state.context, static_cast<std::uint32_t>(std::min(
                                           limit, std::uint64_t{UINT32_MAX})));
  const int rc = pcre2_match(
      code_of(code_), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
      from, PCRE2_NO_UTF_CHECK, state.match, state.context);
  if (rc == PCRE2_ERROR_NOMATCH) {
    return false;
  }
  if (rc < 0) {
    fail("match a regular expression",
         fmt::format("{} (code {}) in a text of {} bytes with `{}`",
                     message_of(rc), rc, text.size(), pattern_.substr(0, 200)),
         "a pattern that decides in bounded time");
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state.match);
  match = {ends[0], std::max(ends[0], ends[1])};
  return true;
}

void Regex::for_each(std::string_view text, Scratch& scratch,
                     const std::function<void(Match)>& visit) const {
  Match match;
  std::size_t from = 0;
  std::size_t last_end = std::string_view::npos;
  while (from <= text.size() && search(text, from, scratch, match)) {
    if (match.begin == match.end && match.end == last_end) {
      if (from == text.size()) {
        break;
      }
      next_code_point(text, from);
      continue;
    }
    visit(match);
    from = std::max(from, match.end);
    last_end = match.end;
  }
}

}  // namespace veer
