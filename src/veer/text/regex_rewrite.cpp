// SPDX-License-Identifier: MIT
//
// From Oniguruma's dialect to PCRE2's. One pass over the pattern; the only
// state is whether we stand in a character class.
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/text/regex.h"

namespace veer {
namespace {

// Oniguruma also counts the superscripts and fractions of Latin-1 (measured
// over all code points).
constexpr std::string_view kWord =
    "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xB2\\xB3\\xB9\\xBC-\\xBE";

class Rewriter {
 public:
  Rewriter(std::string_view pattern, std::string_view origin)
      : pattern_(pattern), origin_(origin) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      if (peek() == '\\') {
        escape();
      } else if (in_class_) {
        class_character();
      } else {
        character();
      }
    }
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  bool next_is(std::string_view text) const {
    return pattern_.substr(at_).starts_with(text);
  }

  void copy(std::size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += count;
  }

  void replace(std::size_t count, std::string_view text) {
    out_ += text;
    at_ += count;
  }

  [[noreturn]] void refuse(std::string_view what) const {
    fail("compile a regular expression",
         fmt::format("{}: {} at byte {} of `{}`", origin_, what, at_,
                     pattern_.substr(0, 200)),
         "a pattern whose meaning is the same in Oniguruma and PCRE2");
  }

  void escape() {
    const std::string word(kWord);
    const std::string inside = "[" + word + "]";
    switch (peek(1)) {
      case 's':
        return replace(2, "\\p{White_Space}");
      case 'S':
        return replace(2, "\\P{White_Space}");
      case 'w':
        return replace(2, in_class_ ? word : inside);
      case 'h':
        return replace(2, in_class_ ? "0-9A-Fa-f" : "[0-9A-Fa-f]");
      case 'W':
      case 'H':
        if (in_class_) {
          refuse(fmt::format("\\{} in a class", peek(1)));
        }
        return replace(2, peek(1) == 'W' ? "[^" + word + "]" : "[^0-9A-Fa-f]");
      case 'b':
      case 'B':
        return edge(inside);
      case 'u':
        return unicode_escape();
      case 'v':
        return replace(2, "\\x0B");
      case 'p':
      case 'P':
      case 'x':
        return braced();
      case 'C':
      case 'G':
      case 'K':
      case 'Q':
        refuse(fmt::format("\\{}", peek(1)));
      default:
        return copy(2);
    }
  }

  void edge(const std::string& word) {
    if (in_class_) {
      return copy(2);  // a backspace
    }
    const bool at_edge = peek(1) == 'b';
    replace(2, fmt::format("(?:(?<={0})(?{1}{0})|(?<!{0})(?{2}{0}))", word,
                           at_edge ? '!' : '=', at_edge ? '=' : '!'));
  }

  // \p{..}, \x{..}: the braces are no interval.
  void braced() {
    const auto close = peek(2) == '{' ? pattern_.find('}', at_) : pattern_.npos;
    copy(close == pattern_.npos ? 2 : close + 1 - at_);
  }

  void unicode_escape() {
    const std::string_view digits = pattern_.substr(at_ + 2, 4);
    if (digits.size() != 4 ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos) {
      refuse("\\u without four hexadecimal digits");
    }
    replace(6, fmt::format("\\x{{{}}}", digits));
  }

  void class_character() {
    if (next_is("[:")) {
      const auto close = pattern_.find(":]", at_ + 2);
      if (close != pattern_.npos && close - at_ < 16) {
        return copy(close + 2 - at_);
      }
    }
    if (peek() == '[') {
      refuse("a class within a class");
    }
    if (next_is("&&")) {
      refuse("an intersection of classes");
    }
    if (peek() == ']') {
      in_class_ = false;
    }
    copy(1);
  }

  void character() {
    switch (peek()) {
      case '[':
        in_class_ = true;
        copy(peek(1) == '^' ? 2 : 1);
        if (peek() == ']') {
          refuse("an empty class");
        }
        return;
      case '(':
        return group();
      case '{':
        return interval();
      default:
        return copy(1);
    }
  }

  void group() {
    if (next_is("(*") || next_is("(?C") || next_is("(?{")) {
      refuse("a verb or callout");
    }
    if (!next_is("(?")) {
      return copy(1);
    }
    copy(2);
    // Inline options: only i, m, x mean something to Oniguruma, and its m is
    // PCRE2's s.
    std::size_t end = at_;
    while (end < pattern_.size() &&
           std::string_view("imx-").find(pattern_[end]) !=
               std::string_view::npos) {
      ++end;
    }
    const char after = end < pattern_.size() ? pattern_[end] : '\0';
    if (end > at_ && (after == ':' || after == ')')) {
      for (; at_ < end; ++at_) {
        out_ += peek() == 'm' ? 's' : peek();
      }
    } else if (std::string_view(":=!<>").find(peek()) ==
               std::string_view::npos) {
      refuse("an unknown kind of group");
    }
  }

  // {n}, {n,}, {n,m}, {,m}; anything else is literal.
  void interval() {
    std::size_t end = at_ + 1;
    while (end < pattern_.size() &&
           ((pattern_[end] >= '0' && pattern_[end] <= '9') ||
            pattern_[end] == ',')) {
      ++end;
    }
    if (end == at_ + 1 || end >= pattern_.size() || pattern_[end] != '}') {
      return copy(1);
    }
    const std::string_view body = pattern_.substr(at_ + 1, end - at_ - 1);
    const bool fixed = body.find(',') == body.npos;
    const char after = end + 1 < pattern_.size() ? pattern_[end + 1] : '\0';
    if (after == '+' || (after == '?' && fixed)) {
      refuse("an interval followed by + or ?");
    }
    if (body.front() == ',' && body.size() > 1) {
      out_ += "{0";
      at_ += 1;
      return copy(end - at_ + 1);
    }
    copy(end - at_ + 1);
  }

  std::string_view pattern_;
  std::string_view origin_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string to_pcre2(std::string_view pattern, std::string_view origin) {
  return Rewriter(pattern, origin).run();
}

}  // namespace veer
