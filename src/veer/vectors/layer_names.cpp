// SPDX-License-Identifier: MIT
#include "veer/vectors/layer_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

namespace veer {
namespace {

constexpr std::array<std::string_view, 30> kWords = {
    "direction", "directions", "layer",   "layers",      "l",
    "block",     "blocks",     "h",       "model",       "transformer",
    "gpt",       "neox",       "decoder", "vector",      "vectors",
    "vec",       "steering",   "control", "resid",       "residual",
    "stream",    "post",       "hook",    "out",         "output",
    "hidden",    "state",      "states",  "activations", "activation"};
// The same stream, one block earlier.
constexpr std::array<std::string_view, 3> kInputWords = {"pre", "in", "input"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Runs of letters, in lower case, and of digits.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  char last = ' ';
  for (const char c : name) {
    const bool goes_on =
        (is_digit(c) && is_digit(last)) || (is_letter(c) && is_letter(last));
    if (is_digit(c) || is_letter(c)) {
      if (!goes_on) {
        words.emplace_back();
      }
      words.back() +=
          c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    last = c;
  }
  return words;
}

}  // namespace

std::optional<std::int64_t> layer_of_name(std::string_view name) {
  // "-1" counts from the end, "1.5" is no layer.
  constexpr std::string_view kSeparators = "._/ :";
  const bool is_plain = std::ranges::all_of(name, [&](char c) {
    return is_digit(c) || is_letter(c) ||
           kSeparators.find(c) != std::string_view::npos;
  });
  if (!is_plain) {
    return std::nullopt;
  }
  std::optional<std::int64_t> number;
  std::int64_t shift = 0;
  for (const auto& word : words_of(name)) {
    if (is_digit(word.front())) {
      std::int64_t value = 0;
      const char* end = word.data() + word.size();
      const auto [stop, error] = std::from_chars(word.data(), end, value);
      if (number || error != std::errc() || stop != end) {
        return std::nullopt;
      }
      number = value;
    } else if (std::ranges::find(kInputWords, word) != kInputWords.end()) {
      shift = -1;
    } else if (std::ranges::find(kWords, word) == kWords.end()) {
      return std::nullopt;
    }
  }
  return number ? std::optional(*number + shift) : std::nullopt;
}

}  // namespace veer
