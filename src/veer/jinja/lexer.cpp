// SPDX-License-Identifier: MIT
// The lexer of jinja2 3.1 by hand: its regular expressions, tried in its
// order, with trim_blocks and lstrip_blocks on and no line statements.
#include "veer/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/jinja/text.h"

namespace veer::jinja {

std::string normalise_source(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      i += i + 1 < source.size() && source[i + 1] == '\n' ? 1 : 0;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') {
    out.pop_back();
  }
  return out;
}

std::string place_of(std::string_view source, std::size_t offset,
                     std::string_view origin) {
  const std::string_view before = source.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;
  const auto column = 1 + count_code_points(before.substr(line_begin));
  return fmt::format("{}, line {}, column {}", origin, line, column);
}

void fail_at(std::string_view source, std::size_t offset,
             std::string_view origin, std::string_view what,
             std::string_view expected) {
  fail("chat template",
       fmt::format("{}: {}", place_of(source, offset, origin), what), expected);
}

namespace {

bool ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view origin)
      : source_(source), origin_(origin) {}

  std::vector<Token> run() {
    while (position_ < source_.size()) {
      read_data();
    }
    add(TokenType::kEnd, "", source_.size());
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::size_t at, std::string_view what) const {
    fail_at(source_, at, origin_, what);
  }
  bool starts(std::size_t at, std::string_view text) const {
    return source_.substr(std::min(at, source_.size())).starts_with(text);
  }
  void add(TokenType type, std::string text, std::size_t offset) {
    Token token;
    token.type = type;
    token.text = std::move(text);
    token.offset = static_cast<std::uint32_t>(offset);
    tokens_.push_back(std::move(token));
  }
  void moved_to(std::size_t end) {
    line_starting_ = end > 0 && end > position_ && source_[end - 1] == '\n';
    position_ = end;
  }

  // The text before a tag, with the strip rules of the tag's sign.
  void add_text(std::size_t begin, std::size_t end, char sign, bool is_block) {
    const std::string_view text = source_.substr(begin, end - begin);
    std::size_t keep = text.size();
    if (sign == '-') {
      keep = trim_end(text);
    } else if (sign != '+' && is_block) {
      const std::size_t line = text.rfind('\n') + 1;
      if ((line > 0 || line_starting_) &&
          skip_space(text, line) == text.size()) {
        keep = line;
      }
    }
    if (keep > 0) {
      add(TokenType::kData, std::string(text.substr(0, keep)), begin);
    }
  }

  std::size_t find_tag(std::size_t from) const {
    for (std::size_t at = source_.find('{', from); at != std::string_view::npos;
         at = source_.find('{', at + 1)) {
      if (at + 1 < source_.size() &&
          (source_[at + 1] == '%' || source_[at + 1] == '{' ||
           source_[at + 1] == '#')) {
        return at;
      }
    }
    return std::string_view::npos;
  }

  // "{%", a sign, a word and an end of block: where it ends, else npos.
  // `with_trim`: the end as of an ordinary block (sign '+', one newline).
  std::size_t match_word_block(std::size_t at, std::string_view word,
                               bool with_trim) const {
    at += 2;
    if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) {
      ++at;
    }
    at = skip_space(source_, at);
    if (!starts(at, word)) {
      return std::string_view::npos;
    }
    at = skip_space(source_, at + word.size());
    if (starts(at, "-%}")) {
      return skip_space(source_, at + 3);
    }
    if (with_trim && starts(at, "+%}")) {
      return at + 3;
    }
    if (starts(at, "%}")) {
      return at + 2 + (with_trim && starts(at + 2, "\n") ? 1 : 0);
    }
    return std::string_view::npos;
  }

  char sign_at(std::size_t at) const {
    const char c = at < source_.size() ? source_[at] : '\0';
    return c == '-' || c == '+' ? c : '\0';
  }

  void read_data() {
    const std::size_t tag = find_tag(position_);
    if (tag == std::string_view::npos) {
      add(TokenType::kData, std::string(source_.substr(position_)), position_);
      position_ = source_.size();
      return;
    }
    const char kind = source_[tag + 1];
    const char sign = sign_at(tag + 2);
    add_text(position_, tag, sign, kind != '{');
    if (kind == '%') {
      const std::size_t raw = match_word_block(tag, "raw", false);
      if (raw != std::string_view::npos) {
        moved_to(raw);
        read_raw(tag);
        return;
      }
    }
    moved_to(tag + 2 + (sign != '\0' ? 1 : 0));
    if (kind == '#') {
      read_comment(tag);
    } else {
      add(kind == '%' ? TokenType::kBlockBegin : TokenType::kVariableBegin, "",
          tag);
      read_tag(tag, kind == '%');
    }
  }

  void read_raw(std::size_t tag) {
    for (std::size_t at = source_.find("{%", position_);
         at != std::string_view::npos; at = source_.find("{%", at + 1)) {
      const std::size_t end = match_word_block(at, "endraw", true);
      if (end != std::string_view::npos) {
        add_text(position_, at, sign_at(at + 2), true);
        moved_to(end);
        return;
      }
    }
    fail(tag, "this raw block has no endraw");
  }

  void read_comment(std::size_t tag) {
    const std::size_t close = source_.find("#}", position_);
    if (close == std::string_view::npos) {
      fail(tag, "this comment has no end \"#}\"");
    }
    std::size_t end = close + 2;
    const char before = close > position_ ? source_[close - 1] : '\0';
    if (before == '-') {
      end = skip_space(source_, end);
    } else if (before != '+' && starts(end, "\n")) {
      ++end;
    }
    moved_to(end);
  }

  // Where a tag ends if its end stands here, else npos.
  std::size_t match_end(bool block) const {
    const std::string_view close = block ? "%}" : "}}";
    if (source_[position_] == '-' && starts(position_ + 1, close)) {
      return skip_space(source_, position_ + 3);
    }
    if (block && source_[position_] == '+' && starts(position_ + 1, close)) {
      return position_ + 3;
    }
    if (starts(position_, close)) {
      return position_ + 2 + (block && starts(position_ + 2, "\n") ? 1 : 0);
    }
    return std::string_view::npos;
  }

  void read_tag(std::size_t tag, bool block) {
    std::string open;
    while (position_ < source_.size()) {
      if (open.empty()) {
        const std::size_t end = match_end(block);
        if (end != std::string_view::npos) {
          add(block ? TokenType::kBlockEnd : TokenType::kVariableEnd, "",
              position_);
          moved_to(end);
          return;
        }
      }
      read_token(open);
    }
    fail(tag, block ? "this block has no end \"%}\""
                    : "this expression has no end \"}}\"");
  }

  void read_token(std::string& open) {
    const CodePoint c = code_point_at(source_, position_);
    if (is_space(c.value)) {
      position_ = skip_space(source_, position_);
    } else if (ascii_digit(source_[position_])) {
      read_number();
    } else if (is_word(c.value)) {
      read_name();
    } else if (c.value == '\'' || c.value == '"') {
      read_string();
    } else {
      read_operator(open);
    }
  }

  // (\d+_)*\d+ from `at`: where it ends.
  std::size_t match_digits(std::size_t at) const {
    while (at < source_.size() &&
           (ascii_digit(source_[at]) ||
            (source_[at] == '_' && at + 1 < source_.size() &&
             ascii_digit(source_[at + 1]) && ascii_digit(source_[at - 1])))) {
      ++at;
    }
    return at;
  }

  bool digit_at(std::size_t at) const {
    return at < source_.size() && ascii_digit(source_[at]);
  }

  void read_number() {
    const std::size_t begin = position_;
    std::size_t end = match_digits(begin);
    bool is_float = false;
    if (begin == 0 || source_[begin - 1] != '.') {
      if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
        end = match_digits(end + 1);
        is_float = true;
      }
      if (end < source_.size() &&
          (source_[end] == 'e' || source_[end] == 'E')) {
        const std::size_t sign =
            starts(end + 1, "+") || starts(end + 1, "-") ? 1 : 0;
        if (digit_at(end + 1 + sign)) {
          end = match_digits(end + 1 + sign);
          is_float = true;
        }
      }
    }
    if (is_float) {
      add_float(begin, end);
    } else {
      add_integer(begin);
    }
  }

  static std::string without_underscores(std::string_view text) {
    std::string out(text);
    std::erase(out, '_');
    return out;
  }

  void add_float(std::size_t begin, std::size_t end) {
    const std::string digits =
        without_underscores(source_.substr(begin, end - begin));
    double value = 0.0;
    const auto result =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc() &&
        result.ec != std::errc::result_out_of_range) {
      fail(begin, "this number cannot be read");
    }
    if (result.ec == std::errc::result_out_of_range) {
      value = std::strtod(digits.c_str(), nullptr);
    }
    add(TokenType::kFloat, digits, begin);
    tokens_.back().number = value;
    moved_to(end);
  }

  // End of an integer literal of one base: prefix, then (_?digit)+.
  std::size_t match_based(std::size_t at, std::string_view digits) const {
    std::size_t end = at;
    while (end < source_.size()) {
      const std::size_t underscore = source_[end] == '_' ? 1 : 0;
      if (end + underscore >= source_.size() ||
          digits.find(source_[end + underscore]) == std::string_view::npos) {
        break;
      }
      end += underscore + 1;
    }
    return end;
  }

  void add_integer(std::size_t begin) {
    int base = 10;
    std::size_t digits = begin;
    std::size_t end = begin;
    const char mark = begin + 1 < source_.size()
                          ? static_cast<char>(source_[begin + 1] | 0x20)
                          : '\0';
    if (source_[begin] == '0' && (mark == 'x' || mark == 'o' || mark == 'b')) {
      base = mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
      const std::string_view allowed = base == 16  ? "0123456789abcdefABCDEF"
                                       : base == 8 ? "01234567"
                                                   : "01";
      digits = begin + 2;
      end = match_based(digits, allowed);
    }
    if (end <= digits) {  // not based, or a prefix without digits
      base = 10;
      digits = begin;
      end = match_based(begin, source_[begin] == '0' ? "0" : "0123456789");
    }
    const std::string text =
        without_underscores(source_.substr(digits, end - digits));
    std::int64_t value = 0;
    const auto result =
        std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (result.ec != std::errc()) {
      fail(begin, "integers beyond 64 bits are not supported");
    }
    add(TokenType::kInteger, text, begin);
    tokens_.back().integer = value;
    moved_to(end);
  }

  void read_name() {
    const std::size_t begin = position_;
    while (position_ < source_.size()) {
      const CodePoint c = code_point_at(source_, position_);
      if (!is_word(c.value)) {
        break;
      }
      position_ += c.length;
    }
    line_starting_ = false;
    add(TokenType::kName, std::string(source_.substr(begin, position_ - begin)),
        begin);
  }

  void read_string() {
    const std::size_t begin = position_;
    const char quote = source_[begin];
    std::size_t end = begin + 1;
    while (end < source_.size() && source_[end] != quote) {
      end += source_[end] == '\\' ? 2 : 1;
    }
    if (end >= source_.size()) {
      fail(begin, "this string has no end");
    }
    add(TokenType::kString, unescape(begin + 1, end), begin);
    moved_to(end + 1);
  }

  std::uint32_t hex_value(std::size_t at, std::size_t count, std::size_t end) {
    std::uint32_t value = 0;
    const std::string_view digits = source_.substr(at, count);
    const auto result = std::from_chars(
        digits.data(), digits.data() + digits.size(), value, 16);
    if (at + count > end || result.ptr != digits.data() + count ||
        result.ec != std::errc()) {
      fail(at, fmt::format("an escape needs {} hexadecimal digits", count));
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      fail(at, "this escape is no Unicode character");
    }
    return value;
  }

  // Python's "unicode-escape".
  std::string unescape(std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t i = begin; i < end; ++i) {
      if (source_[i] != '\\' || i + 1 >= end) {
        out += source_[i];
        continue;
      }
      i = unescape_one(i + 1, end, out);
    }
    return out;
  }

  // One escape whose letter stands at `at`; returns its last byte.
  std::size_t unescape_one(std::size_t at, std::size_t end, std::string& out) {
    static constexpr std::string_view kLetters = "\\'\"abfnrtv\n";
    static constexpr std::array<std::string_view, 11> kValues = {
        "\\", "'", "\"", "\a", "\b", "\f", "\n", "\r", "\t", "\v", ""};
    const char c = source_[at];
    const std::size_t simple = kLetters.find(c);
    if (simple != std::string_view::npos) {
      out += kValues[simple];
      return at;
    }
    if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      append_code_point(out, hex_value(at + 1, count, end));
      return at + count;
    }
    if (c >= '0' && c <= '7') {
      std::uint32_t value = 0;
      std::size_t i = at;
      for (; i < end && i < at + 3 && source_[i] >= '0' && source_[i] <= '7';
           ++i) {
        value = value * 8 + static_cast<std::uint32_t>(source_[i] - '0');
      }
      append_code_point(out, value);
      return i - 1;
    }
    if (c == 'N') {
      fail(at - 1, "the escape \\N{...} is not supported");
    }
    out += '\\';
    out += c;
    return at;
  }

  void read_operator(std::string& open) {
    static constexpr std::array<std::string_view, 26> kOperators = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (const std::string_view op : kOperators) {
      if (!starts(position_, op)) {
        continue;
      }
      balance(op, open);
      add(TokenType::kOperator, std::string(op), position_);
      moved_to(position_ + op.size());
      return;
    }
    const CodePoint c = code_point_at(source_, position_);
    fail(position_, fmt::format("unexpected character \"{}\"",
                                source_.substr(position_, c.length)));
  }

  void balance(std::string_view op, std::string& open) {
    static constexpr std::string_view kOpen = "([{";
    static constexpr std::string_view kClose = ")]}";
    if (op.size() != 1) {
      return;
    }
    const std::size_t opening = kOpen.find(op[0]);
    if (opening != std::string_view::npos) {
      open += kClose[opening];
    } else if (kClose.find(op[0]) != std::string_view::npos) {
      if (open.empty()) {
        fail(position_, fmt::format("unexpected \"{}\"", op));
      }
      if (open.back() != op[0]) {
        fail(position_, fmt::format("unexpected \"{}\", \"{}\" is still open",
                                    op, open.back()));
      }
      open.pop_back();
    }
  }

  std::string_view source_;
  std::string_view origin_;
  std::size_t position_ = 0;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, std::string_view origin) {
  return Lexer(source, origin).run();
}

}  // namespace veer::jinja
