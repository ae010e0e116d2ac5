// SPDX-License-Identifier: MIT
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/text/regex.h"

namespace veer {

// One entry of "added_tokens".
struct AddedToken {
  std::int32_t id = -1;
  std::string content;     // as the file has it
  std::string normalized;  // after the normalizer, when matched_normalized
  bool special = false;
  bool single_word = false;                      // not next to a word character
  bool left_strip = false, right_strip = false;  // swallow white space
  bool matched_normalized = false;               // matched after the normalizer

  bool operator==(const AddedToken&) const = default;
};

// Finds the occurrences of a set of strings: leftmost, of these the longest.
// A trie, walked from every position whose byte begins some string; strings
// are at most 1024 bytes, so a text of n bytes costs at most 1024 n steps.
class TokenTrie {
 public:
  static constexpr std::size_t kMaxBytes = 1024;
  struct Match {
    std::size_t begin = 0, end = 0;
    std::int32_t value = -1;
  };

  TokenTrie();
  // `text` must be neither empty nor longer than kMaxBytes. A string that is
  // there already gets the new value.
  void insert(std::string_view text, std::int32_t value);
  // First match at or after `from`; false when there is none.
  bool find(std::string_view text, std::size_t from, Match& match) const;
  bool empty() const { return starts_.none(); }

 private:
  // First child / next sibling; nodes of one parent are few.
  struct Node {
    std::int32_t child = -1, sibling = -1, value = -1;
    char byte = 0;
  };
  std::int32_t step(std::int32_t node, char byte) const;

  std::vector<Node> nodes_;
  std::vector<std::int32_t> roots_;  // child of the root by byte
  std::bitset<256> starts_;
};

// A stretch of text: an added token (id >= 0) or text to go on with.
struct TextSection {
  std::size_t begin = 0, end = 0;
  std::int32_t id = -1;
};

// Splits text on one group of added tokens, with their flags.
class AddedTokenSplitter {
 public:
  // Takes the tokens with matched_normalized == `normalized`.
  AddedTokenSplitter(const std::vector<AddedToken>& tokens, bool normalized);

  // Appends sections that cover `text` (white space swallowed by a strip
  // flag belongs to the token). `as_letters`: special tokens are no tokens.
  void split(std::string_view text, bool as_letters, Regex::Scratch& scratch,
             std::vector<TextSection>& out) const;

 private:
  bool stands_alone(std::string_view text, const TokenTrie::Match& match,
                    Regex::Scratch& scratch) const;

  std::vector<AddedToken> tokens_;
  TokenTrie trie_;
  Regex word_;
};

}  // namespace veer
