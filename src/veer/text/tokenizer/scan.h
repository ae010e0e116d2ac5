// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace veer {

// The split patterns that nearly every byte-level tokenizer has.
enum class KnownPattern { kNone, kGpt2, kLlama3, kQwen2 };

// The text of GPT-2's pattern, which ByteLevel{use_regex} stands for.
std::string_view gpt2_pattern();

// Which of them `pattern` is, letter by letter.
KnownPattern recognise_pattern(std::string_view pattern);

// End of the match that begins at `from`, found by hand when ASCII decides
// it; 0 when the regular expression must be asked. (These patterns match at
// every position, so matches follow each other without gaps.)
std::size_t scan_known_pattern(KnownPattern pattern, std::string_view text,
                               std::size_t from);

}  // namespace veer
