// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace veer {

// Text is UTF-8 in std::string. Functions that say "valid" require UTF-8
// that is_valid_utf8 accepts; the others take any bytes.

bool is_valid_utf8(std::string_view bytes);

// Where the run of ASCII that begins at `at` ends.
std::size_t ascii_run(std::string_view bytes, std::size_t at);

// `bytes` with each maximal broken part replaced by one U+FFFD (as Rust's
// from_utf8_lossy and Python's errors="replace" do).
std::string to_valid_utf8(std::string_view bytes);

// The streaming form: appends the repaired text of `bytes` to `out` and
// returns how many bytes were used. Up to three last bytes that may be the
// start of a character stay unused unless `final`.
std::size_t repair_utf8(std::string_view bytes, bool final, std::string& out);

// The code point at `at` (valid text, at < size), and `at` moved behind it.
char32_t next_code_point(std::string_view valid, std::size_t& at);

// Start of the character that ends just before `end` (valid, end > 0).
std::size_t previous_character(std::string_view valid, std::size_t end);

void append_utf8(std::string& out, char32_t code_point);

// The Unicode property White_Space.
bool is_white_space(char32_t code_point);
// General categories Nd, Nl, No.
bool is_numeric(char32_t code_point);
// General categories P*, and the ASCII symbols $+<=>^`|~.
bool is_punctuation(char32_t code_point);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// Unicode normalisation as the `tokenizers` library does it, whose tables are
// those of Unicode 9: later characters have no decomposition and no combining
// class. Time is O(n log n) whatever the order of the combining marks.
std::string normalize(std::string_view valid, NormalForm form);

// Lower case, character by character (no final-sigma rule), as in Unicode 17.
std::string to_lower(std::string_view valid);

}  // namespace veer
