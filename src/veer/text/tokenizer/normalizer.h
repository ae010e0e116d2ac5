// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/text/regex.h"
#include "veer/text/tokenizer/file.h"
#include "veer/text/unicode.h"

namespace veer {

// A pattern as Replace and Split write it: {"String": ..} or {"Regex": ..}.
class TokenizerPattern {
 public:
  TokenizerPattern(const Json& node, const TokenizerPlace& place);
  explicit TokenizerPattern(Regex regex) : regex_(std::move(regex)) {}

  // Calls visit(begin, end) for every match, left to right.
  template <class Visit>
  void for_each(std::string_view text, Regex::Scratch& scratch,
                Visit&& visit) const {
    if (regex_) {
      regex_->for_each(text, scratch, [&](Regex::Match match) {
        visit(match.begin, match.end);
      });
      return;
    }
    for (std::size_t at = 0;
         (at = text.find(literal_, at)) != std::string_view::npos;) {
      visit(at, at + literal_.size());
      at += literal_.size();
    }
  }

  // Appends `text` with every match replaced.
  void replace(std::string_view text, std::string_view content,
               Regex::Scratch& scratch, std::string& out) const;

  // The literal, or null for a regular expression.
  const std::string* literal() const { return regex_ ? nullptr : &literal_; }
  const Regex* regex() const { return regex_ ? &*regex_ : nullptr; }

 private:
  std::string literal_;  // not empty, unless regex_
  std::optional<Regex> regex_;
};

// The "normalizer" section: Sequence, NFC, NFD, NFKC, NFKD, Lowercase,
// Replace, Prepend, Strip. Immutable.
class TokenizerNormalizer {
 public:
  // Throws Error on other types, by name.
  TokenizerNormalizer(const Json& node, const TokenizerPlace& place);

  bool empty() const { return steps_.empty(); }
  // Valid UTF-8 to valid UTF-8. An empty text stays empty. Throws Error when
  // replacements grow the text beyond 2 GiB.
  std::string apply(std::string_view text, Regex::Scratch& scratch) const;

 private:
  enum class Kind { kForm, kLower, kReplace, kPrepend, kStrip };
  struct Step {
    Kind kind;
    NormalForm form = NormalForm::kNfc;
    std::optional<TokenizerPattern> pattern;
    std::string content;
    bool left = false, right = false;
  };
  static Step read(const Json& node, const TokenizerPlace& place);
  static std::string apply_step(const Step& step, std::string text,
                                Regex::Scratch& scratch);
  std::vector<Step> steps_;
};

// Texts and their normalised forms are at most this long.
inline constexpr std::size_t kMaxTextBytes = (std::size_t{1} << 31) - 1;

}  // namespace veer
