// SPDX-License-Identifier: MIT
#include "veer/data/named_values.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using Words = std::vector<std::string>;

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words,
           std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_absent(const Json& value) {
  if (value.is_string()) {
    return value.get_ref<const std::string&>().find_first_not_of(" \t\r\n") ==
           std::string::npos;
  }
  return value.is_null() || (value.is_array() && value.empty());
}

enum class Digits { kKept, kLeftOut };

// Words of a key in lower case.
Words words_of(std::string_view key, Digits digits) {
  Words out;
  char before = ' ';
  for (const char c : key) {
    const bool capital = c >= 'A' && c <= 'Z';
    const bool digit = c >= '0' && c <= '9';
    const bool letter = capital || (c >= 'a' && c <= 'z') ||
                        static_cast<unsigned char>(c) >= 0x80;
    if (letter || (digit && digits == Digits::kKept)) {
      if (before == ' ' || (capital && before >= 'a' && before <= 'z')) {
        out.emplace_back();
      }
      out.back() += capital ? static_cast<char>(c + 32) : c;
      before = c;
    } else if (!digit) {
      before = ' ';
    }
  }
  return out;
}

std::string name_of(std::string_view key) {
  std::string out;
  for (const std::string& word : words_of(key, Digits::kKept)) {
    out += (out.empty() ? "" : "_") + word;
  }
  return out;
}

constexpr std::array<std::string_view, 6> kHonestSides = {
    "honest", "truthful", "sincere", "correct", "true", "right"};
constexpr std::array<std::string_view, 8> kDeceptiveSides = {
    "deceptive", "dishonest", "untruthful", "insincere",
    "lying",     "incorrect", "wrong",      "false"};
// These say a side alone, without "answer".
constexpr std::array<std::string_view, 3> kHonestAlone = {"honest", "truthful",
                                                          "truth"};
constexpr std::array<std::string_view, 5> kDeceptiveAlone = {
    "deceptive", "dishonest", "untruthful", "lie", "untruth"};
constexpr std::array<std::string_view, 6> kOneAnswer = {
    "answer", "response", "completion", "output", "reply", "text"};
constexpr std::array<std::string_view, 5> kManyAnswers = {
    "answers", "responses", "completions", "outputs", "replies"};

// Words of a key under which an answer may stand.
constexpr std::array<std::string_view, 46> kAnswerWords = {
    "answer",      "answers",    "response", "responses",  "completion",
    "completions", "output",     "outputs",  "reply",      "replies",
    "target",      "targets",    "label",    "labels",     "gold",
    "solution",    "solutions",  "correct",  "incorrect",  "wrong",
    "right",       "truth",      "truthful", "untruthful", "honest",
    "dishonest",   "deceptive",  "lie",      "lies",       "lying",
    "true",        "false",      "chosen",   "rejected",   "positive",
    "negative",    "matching",   "choice",   "choices",    "option",
    "options",     "distractor", "good",     "bad",        "assistant",
    "generation"};

bool may_hold_answer(const NamedValues::Entry& entry) {
  const Words words = words_of(entry.key, Digits::kLeftOut);
  if (words.size() == 1 && words[0].size() == 1 && words[0][0] <= 'e') {
    return true;  // the options of a question: "A", "B"
  }
  if (entry.name == "text" || entry.name == "content") {
    return true;
  }
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return holds(kAnswerWords, word);
  });
}

}  // namespace

NamedValues::NamedValues(const Json& row) {
  for (const auto& [key, value] : row.items()) {
    entries_.push_back({key, name_of(key), &value});
  }
}

const Json* NamedValues::take(std::string_view name) {
  for (Entry& entry : entries_) {
    if (entry.name == name && !entry.taken && !is_absent(*entry.value)) {
      entry.taken = true;
      return entry.value;
    }
  }
  return nullptr;
}

const Json* NamedValues::take_key(std::string_view key, bool* exists) {
  bool unused = false;
  bool& there = exists == nullptr ? unused : *exists;
  there = false;
  for (Entry& entry : entries_) {
    const Json* value = entry.key == key ? entry.value : nullptr;
    if (value == nullptr && entry.value->is_object() &&
        key.starts_with(entry.key + ".")) {
      const auto at = entry.value->find(key.substr(entry.key.size() + 1));
      value = at == entry.value->end() ? nullptr : &*at;
    }
    if (value != nullptr) {
      there = true;
      entry.taken = true;
      return is_absent(*value) ? nullptr : value;
    }
  }
  return nullptr;
}

bool NamedValues::has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return e.name == name && !e.taken && !is_absent(*e.value);
  });
}

std::vector<std::string> NamedValues::left_over() const {
  std::vector<std::string> out;
  for (const Entry& entry : entries_) {
    if (!entry.taken && !is_absent(*entry.value)) {
      out.push_back(entry.key);
    }
  }
  return out;
}

std::vector<std::string> NamedValues::left_over_answers() const {
  std::vector<std::string> out;
  for (const Entry& entry : entries_) {
    if (!entry.taken && !is_absent(*entry.value) && may_hold_answer(entry)) {
      out.push_back(entry.key);
    }
  }
  return out;
}

std::optional<SideName> side_of_key(std::string_view name) {
  Words words = words_of(name, Digits::kLeftOut);
  if (name.find_first_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  bool best = false;
  if (!words.empty() && words[0] == "best") {
    best = true;
    words.erase(words.begin());
  }
  if (words.size() == 1) {
    if (best) {  // "best_answer"
      return holds(kOneAnswer, words[0])
                 ? std::optional<SideName>({AnswerSide::kHonest, 1})
                 : std::nullopt;
    }
    if (holds(kHonestAlone, words[0])) {
      return SideName{AnswerSide::kHonest, 0};
    }
    if (holds(kDeceptiveAlone, words[0])) {
      return SideName{AnswerSide::kDeceptive, 0};
    }
    return std::nullopt;
  }
  if (words.size() != 2) {
    return std::nullopt;
  }
  for (const auto& [word, noun] :
       {std::pair(words[0], words[1]), std::pair(words[1], words[0])}) {
    const bool one = holds(kOneAnswer, noun);
    if (!one && !holds(kManyAnswers, noun)) {
      continue;
    }
    const int rank = best ? 1 : (one ? 2 : 3);
    if (holds(kHonestSides, word) || holds(kHonestAlone, word)) {
      return SideName{AnswerSide::kHonest, rank};
    }
    if (holds(kDeceptiveSides, word) || holds(kDeceptiveAlone, word)) {
      return SideName{AnswerSide::kDeceptive, rank};
    }
  }
  return std::nullopt;
}

std::string quoted_list(const std::vector<std::string>& names) {
  static constexpr std::size_t kShown = 12;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", names[i]);
  }
  return names.size() > kShown
             ? fmt::format("{} and {} more", out, names.size() - kShown)
             : out;
}

}  // namespace veer
