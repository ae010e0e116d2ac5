// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veer {

// On which tokens of a row an intervention acts. prompt_end, the last token
// of the prompt, belongs to both `prompt` and `generated`: it produces the
// first answer token.
struct TokenScope {
  enum class Kind : std::uint8_t {
    kAll,
    kPrompt,     // positions 0 .. prompt_end
    kGenerated,  // prompt_end and later
    kFrom,       // position `value` and later; negative values count back
                 // from the end of the prompt (-1 = prompt_end)
    kFirst,      // the first `value` tokens of `generated`
    kThinking,   // inside of the row's think block, where it has one
  };
  Kind kind = Kind::kAll;
  std::int64_t value = 0;
  bool skip_first = false;  // leave position 0 (BOS) alone

  bool operator==(const TokenScope&) const = default;
};

// Half-open range of positions.
struct PositionRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool contains(std::int64_t position) const {
    return position >= begin && position < end;
  }
  bool empty() const { return begin >= end; }
};

// The positions a scope means in a row whose prompt has `prompt_length` >= 1
// tokens and whose think block is `thinking`. A row that is one whole text has
// its whole length as the prompt.
PositionRange positions_of(const TokenScope& scope, std::int64_t prompt_length,
                           const PositionRange& thinking = {});

// "all", "prompt", "generated", "thinking", "from:12", "from:-1", "first:4",
// each with an optional "+skip_first". Throws Error on anything else.
TokenScope parse_scope(std::string_view text);
std::string scope_name(const TokenScope& scope);

}  // namespace veer
