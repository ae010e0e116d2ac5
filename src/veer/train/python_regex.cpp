// SPDX-License-Identifier: MIT
#include "veer/train/python_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <memory>

#include <fmt/core.h>
#include <pcre2.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using Code = std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)>;
using MatchData =
    std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)>;
using Context =
    std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)>;

constexpr std::uint32_t kMatchLimit = 100'000;

Code compile(const std::string& pattern, std::string_view origin) {
  int error = 0;
  PCRE2_SIZE at = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                          pattern.size(),
                          PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED,
                          &error, &at, nullptr),
            &pcre2_code_free);
  if (code == nullptr) {
    fail("read adapter",
         fmt::format("{}: '{}' breaks at character {}", origin, pattern, at),
         "a regular expression");
  }
  return code;
}

}  // namespace

bool python_fullmatch(const std::string& pattern, std::string_view subject,
                      std::string_view origin) {
  const Code code = compile(pattern, origin);
  const MatchData data(
      pcre2_match_data_create_from_pattern(code.get(), nullptr),
      &pcre2_match_data_free);
  const Context context(pcre2_match_context_create(nullptr),
                        &pcre2_match_context_free);
  pcre2_set_match_limit(context.get(), kMatchLimit);
  const int rc =
      pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                  subject.size(), 0, 0, data.get(), context.get());
  if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
    fail("read adapter",
         fmt::format("{}: '{}' fails on '{}'", origin, pattern, subject),
         "a pattern that matches in bounded time");
  }
  return rc >= 0;
}

}  // namespace veer
