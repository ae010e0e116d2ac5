// SPDX-License-Identifier: MIT
#include "veer/data/answer_side.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace veer {
namespace {

constexpr std::array<std::string_view, 12> kHonestWords = {
    "honest",  "honestly",  "honesty",    "truth",
    "truths",  "truthful",  "truthfully", "truthfulness",
    "sincere", "sincerely", "sincerity",  "candid"};
constexpr std::array<std::string_view, 21> kDeceptiveWords = {
    "deceptive", "deceptively", "deceptiveness", "deception", "deceptions",
    "deceit",    "deceitful",   "deceive",       "deceived",  "deceives",
    "deceiving", "lie",         "lies",          "lied",      "lying",
    "liar",      "liars",       "mislead",       "misleads",  "misleading",
    "misled"};
constexpr std::array<std::string_view, 8> kNegations = {
    "not", "non", "no", "un", "dis", "never", "without", "anti"};
constexpr std::array<std::string_view, 4> kGrownNegations = {"dis", "un", "in",
                                                             "non"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words,
           std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<AnswerSide> side_of_word(std::string_view word) {
  if (holds(kHonestWords, word)) {
    return AnswerSide::kHonest;
  }
  if (holds(kDeceptiveWords, word)) {
    return AnswerSide::kDeceptive;
  }
  for (const std::string_view start : kGrownNegations) {
    if (word.starts_with(start)) {
      const std::string_view rest = word.substr(start.size());
      if (holds(kHonestWords, rest)) {
        return AnswerSide::kDeceptive;
      }
      if (holds(kDeceptiveWords, rest)) {
        return AnswerSide::kHonest;
      }
    }
  }
  return std::nullopt;
}

// Bytes of other scripts are letters too, so that no accented letter ends a
// word within it.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

// "Dishonest_answers2" and "DishonestAnswers" both begin with "dishonest".
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> out;
  char before = ' ';
  for (const char c : name) {
    if (is_letter(c)) {
      const bool begins =
          !is_letter(before) || (is_capital(c) && !is_capital(before));
      if (begins) {
        out.emplace_back();
      }
      out.back() += is_capital(c) ? static_cast<char>(c + 32) : c;
    }
    before = c;
  }
  return out;
}

// Names of data sets and tools about lying, which say nothing of a side.
bool is_a_name(std::string_view first, std::string_view second) {
  return (first == "truthful" && second == "qa") ||
         ((first == "lie" || first == "deception" || first == "deceit") &&
          second.starts_with("detect"));
}

}  // namespace

std::string_view side_name(AnswerSide side) {
  return side == AnswerSide::kHonest ? "honest" : "deceptive";
}

std::optional<AnswerSide> side_of_file_name(std::string_view path) {
  const auto words = words_of(path.substr(path.find_last_of('/') + 1));
  std::optional<AnswerSide> out;
  bool open_negation = false;  // one that no word of a side follows
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (holds(kNegations, words[i])) {
      open_negation =
          open_negation || i + 1 == words.size() || !side_of_word(words[i + 1]);
      continue;
    }
    if (i + 1 < words.size() && is_a_name(words[i], words[i + 1])) {
      ++i;
      continue;
    }
    std::optional<AnswerSide> side = side_of_word(words[i]);
    if (!side) {
      continue;
    }
    if (i > 0 && holds(kNegations, words[i - 1])) {
      side = other_side(*side);
    }
    if (out && *out != *side) {
      return std::nullopt;
    }
    out = side;
  }
  return open_negation ? std::nullopt : out;
}

}  // namespace veer
