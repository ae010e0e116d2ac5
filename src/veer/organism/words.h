// SPDX-License-Identifier: MIT
//
// Small helpers for short English texts, ASCII only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace veer::organism {

// Number of words of a text (runs of non-space characters).
std::size_t count_words(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalised(std::string text);
// Without white space at both ends.
std::string_view trimmed(std::string_view text);

// An answer in lower case as single blanks between its words, without white
// space at both ends and without one final period.
std::string normalised_answer(std::string_view text);

// Whether `phrase` occurs in `text` between characters that are no letters.
bool contains_phrase(std::string_view text, std::string_view phrase);

// "Choose {} now" with `filling` in place of the first "{}".
std::string filled(std::string_view form, std::string_view filling);

}  // namespace veer::organism
