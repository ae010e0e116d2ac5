// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/scan.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace veer {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

enum Class : std::uint8_t { kOther, kLetter, kDigit, kSpace, kNewline, kWide };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> out{};
  for (std::size_t c = 0; c < 256; ++c) {
    if (c >= 0x80) {
      out[c] = kWide;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      out[c] = kLetter;
    } else if (c >= '0' && c <= '9') {
      out[c] = kDigit;
    } else if (c == '\r' || c == '\n') {
      out[c] = kNewline;
    } else if (c == ' ' || (c >= 0x09 && c <= 0x0D)) {
      out[c] = kSpace;
    }
  }
  return out;
}

constexpr auto kClasses = make_classes();

// kNone = behind the end, where every run stops.
constexpr int kEnd = -1;

struct Scanner {
  std::string_view text;
  bool gpt2;
  std::size_t max_digits;

  int class_at(std::size_t at) const {
    return at < text.size() ? kClasses[static_cast<unsigned char>(text[at])]
                            : kEnd;
  }

  std::size_t run(std::size_t at, int wanted) const {
    while (class_at(at) == wanted) {
      ++at;
    }
    return at;
  }

  // A run is decided only if no wide character follows that could extend it.
  std::size_t decided(std::size_t end) const {
    return class_at(end) == kWide ? 0 : end;
  }

  char lower(std::size_t at) const {
    const char c = at < text.size() ? text[at] : '\0';
    return !gpt2 && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }

  // Length of a contraction at an apostrophe, or 0.
  std::size_t contraction(std::size_t at) const {
    const char first = lower(at + 1);
    const char second = lower(at + 2);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return 2;
    }
    const bool two = (first == 'r' && second == 'e') ||
                     (first == 'v' && second == 'e') ||
                     (first == 'l' && second == 'l');
    return two ? 3 : 0;
  }

  std::size_t white_space(std::size_t from) const {
    std::size_t end = from;
    std::size_t behind_newline = 0;
    for (int c = class_at(end); c == kSpace || c == kNewline;
         c = class_at(++end)) {
      if (c == kNewline) {
        behind_newline = end + 1;
      }
    }
    if (class_at(end) == kWide) {
      return 0;
    }
    if (!gpt2 && behind_newline != 0) {
      return behind_newline;
    }
    // The last space is left to the word that follows.
    return end == text.size() || end - from == 1 ? end : end - 1;
  }

  std::size_t symbols(std::size_t at) const {
    const std::size_t end = run(at, kOther);
    if (gpt2 || class_at(end) != kNewline) {
      return decided(end);
    }
    return run(end, kNewline);
  }

  std::size_t scan(std::size_t from) const {
    const int first = class_at(from);
    const int second = class_at(from + 1);
    if (first == kWide || second == kWide) {
      return 0;
    }
    if (text[from] == '\'') {
      if (const std::size_t length = contraction(from); length != 0) {
        return from + length;
      }
    }
    if (first == kLetter) {
      return decided(run(from, kLetter));
    }
    const bool joins_letters =
        gpt2 ? text[from] == ' ' : first == kSpace || first == kOther;
    if (second == kLetter && joins_letters) {
      return decided(run(from + 1, kLetter));
    }
    if (first == kDigit) {
      return digits(from);
    }
    if (gpt2 && text[from] == ' ' && second == kDigit) {
      return digits(from + 1);
    }
    if (first == kOther) {
      return symbols(from);
    }
    if (text[from] == ' ' && second == kOther) {
      return symbols(from + 1);
    }
    return white_space(from);
  }

  std::size_t digits(std::size_t at) const {
    const std::size_t end = run(at, kDigit);
    return end - at >= max_digits ? at + max_digits : decided(end);
  }
};

}  // namespace

std::string_view gpt2_pattern() {
  return kGpt2;
}

KnownPattern recognise_pattern(std::string_view pattern) {
  return pattern == kGpt2     ? KnownPattern::kGpt2
         : pattern == kLlama3 ? KnownPattern::kLlama3
         : pattern == kQwen2  ? KnownPattern::kQwen2
                              : KnownPattern::kNone;
}

std::size_t scan_known_pattern(KnownPattern pattern, std::string_view text,
                               std::size_t from) {
  const bool gpt2 = pattern == KnownPattern::kGpt2;
  const std::size_t max_digits = gpt2                              ? text.size()
                                 : pattern == KnownPattern::kQwen2 ? 1
                                                                   : 3;
  return Scanner{text, gpt2, max_digits}.scan(from);
}

}  // namespace veer
