// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace veer {

// A pattern in the dialect of tokenizer.json files (Oniguruma, which the
// `tokenizers` library uses), run by PCRE2 with its JIT. The pattern is
// rewritten where the two engines disagree; what cannot be rewritten is an
// error, never a silent difference:
//
//   \s \S -> White_Space      \w \W -> Alphabetic, M, Nd, Pc, and
//                                       the six numbers of Latin-1
//   \h -> hexadecimal digit   \b \B -> edges of that \w
//   (?m) -> dot matches all   ^ $ -> at every line
//   \uHHHH -> \x{HHHH}        {,n} -> {0,n}        \v -> \x0B
//   refused: [a[b]], [a&&b], {n,m}+, {n}?, (*VERB), (?C), \C, \W in a class
//
// Immutable and safe to share between threads.
class Regex {
 public:
  struct Match {
    std::size_t begin = 0, end = 0;
  };

  // Memory for searches: one per thread, usable with every Regex.
  class Scratch {
   public:
    Scratch();  // takes memory at the first search only
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class Regex;
    struct State;
    std::unique_ptr<State> state_;
  };

  // Throws Error{kBadInput} with `origin`, the engine's reason and the
  // position.
  static Regex compile(std::string_view pattern, std::string_view origin);

  // A pattern that matches exactly the characters of `text`.
  static std::string escape(std::string_view text);

  // First match that begins at or after `from` in valid UTF-8. False when
  // there is none. Throws Error if the engine gives up (backtracking limit).
  bool search(std::string_view text, std::size_t from, Scratch& scratch,
              Match& match) const;

  // All matches from left to right; an empty match directly behind a match
  // is skipped.
  void for_each(std::string_view text, Scratch& scratch,
                const std::function<void(Match)>& visit) const;

  // The pattern as it was given.
  const std::string& pattern() const { return pattern_; }

 private:
  Regex() = default;
  std::string pattern_;
  std::shared_ptr<const void> code_;
};

// The rewriting alone (for tests). Throws Error on what it refuses.
std::string to_pcre2(std::string_view pattern, std::string_view origin);

}  // namespace veer
