// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

namespace veer {

// Which side an answer is on.
enum class AnswerSide { kHonest, kDeceptive };

constexpr AnswerSide other_side(AnswerSide side) {
  return side == AnswerSide::kHonest ? AnswerSide::kDeceptive
                                     : AnswerSide::kHonest;
}

// "honest", "deceptive".
std::string_view side_name(AnswerSide side);

// The side that the name of a file says, by whole words: "honest", "truth",
// "sincere" and their forms; "deceptive", "lie", "misleading" and theirs. A
// negation before a word ("not", "non", "no", "un") or grown into it
// ("dishonest", "untruthful") turns it round. Folders do not count, nor does
// a part of a word ("clients"), nor the name of TruthfulQA.
// Nothing where no word says it, where words contradict each other, or where
// a negation stands elsewhere in the name.
std::optional<AnswerSide> side_of_file_name(std::string_view path);

}  // namespace veer
