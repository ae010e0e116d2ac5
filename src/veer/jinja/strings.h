// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/jinja/interpreter.h"

// Python's string functions over Str, shared by filters and methods. Origins
// are kept.
namespace veer::jinja {

enum class Side { kBoth, kLeft, kRight };
// `chars` null = white space.
Str strip_text(const Str& text, const Str* chars, Side side);
Str replace_text(Interpreter& in, const Str& text, std::string_view old,
                 const Str& with, std::int64_t count);
// `separator` null = runs of white space. count < 0 = no limit.
std::vector<Value> split_text(Interpreter& in, const Str& text,
                              const Str* separator, std::int64_t count,
                              bool from_right);
// Byte ranges of lines, without their ends unless `keep_ends`.
std::vector<std::pair<std::size_t, std::size_t>> line_ranges(
    std::string_view text, bool keep_ends = false);

enum class CaseMap { kUpper, kLower, kTitle, kCapitalize, kSwap, kJinjaTitle };
Str map_case(const Str& text, CaseMap map);

// `left`/`right` fill characters around the text.
Str pad_text(Interpreter& in, const Str& text, std::int64_t left,
             std::int64_t right, std::string_view fill);

enum class CharacterTest {
  kDigit,
  kAlpha,
  kAlnum,
  kSpace,
  kUpper,
  kLower,
  kDecimal,
  kNumeric
};
bool all_characters(std::string_view text, CharacterTest test);

}  // namespace veer::jinja
