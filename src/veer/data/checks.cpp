// SPDX-License-Identifier: MIT
#include "veer/data/checks.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

constexpr std::array kSplits = {"train", "extract", "select", "test", ""};

LengthSummary summarise(const std::vector<std::int64_t>& words) {
  LengthSummary out;
  if (words.empty()) {
    return out;
  }
  const auto [low, high] = std::minmax_element(words.begin(), words.end());
  out.min_words = *low;
  out.max_words = *high;
  double sum = 0.0;
  for (const std::int64_t n : words) {
    sum += static_cast<double>(n);
  }
  out.mean_words = sum / static_cast<double>(words.size());
  return out;
}

void check_lengths(std::span<const QuestionRecord> records,
                   const DatasetCheckOptions& options, DatasetCheck& out) {
  std::vector<std::int64_t> questions;
  std::vector<std::int64_t> honest;
  std::vector<std::int64_t> deceptive;
  double difference = 0.0;
  std::int64_t pairs = 0;
  for (const QuestionRecord& record : records) {
    const std::int64_t a = count_words(record.honest);
    const std::int64_t b = count_words(record.deceptive);
    questions.push_back(count_words(record.question));
    if (a > 0) {
      honest.push_back(a);
    }
    if (b > 0) {
      deceptive.push_back(b);
    }
    out.missing_honest += a == 0 ? 1 : 0;
    out.missing_deceptive += b == 0 ? 1 : 0;
    out.too_long += (a > options.max_answer_words ? 1 : 0) +
                    (b > options.max_answer_words ? 1 : 0);
    if (a > 0 && b > 0) {
      difference += static_cast<double>(b - a);
      ++pairs;
    }
  }
  out.question_length = summarise(questions);
  out.honest_length = summarise(honest);
  out.deceptive_length = summarise(deceptive);
  out.length_difference =
      pairs == 0 ? 0.0 : difference / static_cast<double>(pairs);
}

void check_answers(std::span<const QuestionRecord> records,
                   const DatasetCheckOptions& options, DatasetCheck& out) {
  // By side, then by normalised answer: times and the first spelling.
  std::map<std::string, std::map<std::string, RepeatedAnswer>> counts;
  for (const QuestionRecord& record : records) {
    const std::string honest = normalise_text(record.honest);
    if (!honest.empty() && honest == normalise_text(record.deceptive)) {
      out.identical_answers.push_back(record.question);
    }
    for (const auto& [side, answer] :
         {std::pair<std::string, const std::string&>{"honest", record.honest},
          {"deceptive", record.deceptive}}) {
      if (answer.empty()) {
        continue;
      }
      if (is_refusal(answer)) {
        out.refusals.push_back(side + ": " + answer);
      }
      RepeatedAnswer& entry = counts[side][normalise_text(answer)];
      if (entry.times++ == 0) {
        entry.side = side;
        entry.answer = answer;
      }
    }
  }
  for (const auto& [side, answers] : counts) {
    for (const auto& [normal, entry] : answers) {
      if (entry.times > options.max_repeats) {
        out.repeated.push_back(entry);
      }
    }
  }
  std::stable_sort(
      out.repeated.begin(), out.repeated.end(),
      [](const auto& a, const auto& b) { return a.times > b.times; });
}

void check_splits(std::span<const QuestionRecord> records,
                  const DatasetCheckOptions& options, DatasetCheck& out) {
  std::map<std::string, std::vector<std::string>> questions;
  for (const char* name : kSplits) {
    SplitCount count{name, 0, 0};
    for (const QuestionRecord& record : records) {
      if (record.split == name) {
        ++count.questions;
        count.with_both_answers +=
            !record.honest.empty() && !record.deceptive.empty() ? 1 : 0;
        questions[name].push_back(record.question);
      }
    }
    if (count.questions > 0) {
      out.splits.push_back(count);
    }
  }
  NearDuplicateOptions near;
  near.jaccard = options.near_jaccard;
  for (std::size_t i = 0; i < kSplits.size(); ++i) {
    for (std::size_t j = i + 1; j + 1 < kSplits.size(); ++j) {
      const auto& first = questions[kSplits[i]];
      const auto& second = questions[kSplits[j]];
      for (const SimilarPair& pair :
           near_duplicates_between(first, second, near)) {
        auto& list = pair.measure == "equal" ? out.exact_leaks : out.near_leaks;
        list.push_back({kSplits[i], kSplits[j],
                        first[static_cast<std::size_t>(pair.first)],
                        second[static_cast<std::size_t>(pair.second)],
                        pair.score, pair.measure});
      }
    }
  }
}

using Texts = std::set<std::string>;

// The normalised answers of a side in a split.
Texts answers_in(std::span<const QuestionRecord> records, const char* split,
                 std::string QuestionRecord::* side) {
  Texts out;
  for (const auto& record : records) {
    if (record.split == split && !(record.*side).empty()) {
      out.insert(normalise_text(record.*side));
    }
  }
  return out;
}

AnswerLeak answer_leak_of(std::span<const QuestionRecord> records) {
  AnswerLeak out;
  const auto honest = &QuestionRecord::honest;
  const auto deceptive = &QuestionRecord::deceptive;
  const auto train_honest = answers_in(records, "train", honest);
  const auto train_deceptive = answers_in(records, "train", deceptive);
  const auto extract_honest = answers_in(records, "extract", honest);
  const auto extract_deceptive = answers_in(records, "extract", deceptive);
  const auto train_topics =
      answers_in(records, "train", &QuestionRecord::topic);
  for (const auto& record : records) {
    if (record.split != "test" ||
        (record.honest.empty() && record.deceptive.empty())) {
      continue;
    }
    const auto own_honest = normalise_text(record.honest);
    const auto own_deceptive = normalise_text(record.deceptive);
    const bool in_honest = train_honest.contains(own_honest);
    const bool in_deceptive = train_deceptive.contains(own_deceptive);
    ++out.test;
    out.honest_in_train += in_honest ? 1 : 0;
    out.deceptive_in_train += in_deceptive ? 1 : 0;
    out.either_in_train += in_honest || in_deceptive ? 1 : 0;
    out.either_in_extract += extract_honest.contains(own_honest) ||
                                     extract_deceptive.contains(own_deceptive)
                                 ? 1
                                 : 0;
  }
  for (const auto& topic :
       answers_in(records, "test", &QuestionRecord::topic)) {
    ++out.topics_test;
    out.topics_in_train += train_topics.contains(topic) ? 1 : 0;
  }
  return out;
}

Json to_json(const LengthSummary& length) {
  return {{"mean_words", length.mean_words},
          {"min_words", length.min_words},
          {"max_words", length.max_words}};
}

// The first items of a list, with how many there are.
template <class T, class Convert>
Json shortened(const std::vector<T>& items, Convert&& convert) {
  static constexpr std::size_t kShown = 50;
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(items.size(), kShown); ++i) {
    list.push_back(convert(items[i]));
  }
  return {{"count", items.size()}, {"first", list}};
}

Json to_json(const LeakedPair& pair) {
  return {{"first_split", pair.first_split},
          {"second_split", pair.second_split},
          {"first_question", pair.first_question},
          {"second_question", pair.second_question},
          {"score", pair.score},
          {"measure", pair.measure}};
}

}  // namespace

bool DatasetCheck::clean() const {
  return exact_leaks.empty() && near_leaks.empty() && identical_answers.empty();
}

DatasetCheck check_dataset(std::span<const QuestionRecord> records,
                           const DatasetCheckOptions& options) {
  DatasetCheck out;
  out.questions = static_cast<std::int64_t>(records.size());
  std::set<std::string> distinct;
  for (const QuestionRecord& record : records) {
    distinct.insert(normalise_text(record.question));
  }
  out.distinct_questions = static_cast<std::int64_t>(distinct.size());
  check_lengths(records, options, out);
  check_answers(records, options, out);
  check_splits(records, options, out);
  out.answer_leak = answer_leak_of(records);
  return out;
}

Json to_json(const AnswerLeak& leak) {
  return {{"test", leak.test},
          {"honest_in_train", leak.honest_in_train},
          {"deceptive_in_train", leak.deceptive_in_train},
          {"either_in_train", leak.either_in_train},
          {"either_in_extract", leak.either_in_extract},
          {"topics_test", leak.topics_test},
          {"topics_in_train", leak.topics_in_train}};
}

Json to_json(const DatasetCheck& check) {
  const auto text = [](const std::string& s) { return Json(s); };
  const auto leak = [](const LeakedPair& pair) { return to_json(pair); };
  const auto repeat = [](const RepeatedAnswer& r) {
    return Json{{"side", r.side}, {"answer", r.answer}, {"times", r.times}};
  };
  Json splits = Json::array();
  for (const SplitCount& split : check.splits) {
    splits.push_back({{"split", split.split},
                      {"questions", split.questions},
                      {"with_both_answers", split.with_both_answers}});
  }
  return {{"questions", check.questions},
          {"distinct_questions", check.distinct_questions},
          {"splits", splits},
          {"question_length", to_json(check.question_length)},
          {"honest_length", to_json(check.honest_length)},
          {"deceptive_length", to_json(check.deceptive_length)},
          {"length_difference", check.length_difference},
          {"missing_honest", check.missing_honest},
          {"missing_deceptive", check.missing_deceptive},
          {"too_long", check.too_long},
          {"identical_answers", shortened(check.identical_answers, text)},
          {"refusals", shortened(check.refusals, text)},
          {"repeated_answers", shortened(check.repeated, repeat)},
          {"exact_leaks", shortened(check.exact_leaks, leak)},
          {"near_leaks", shortened(check.near_leaks, leak)},
          {"answer_leak", to_json(check.answer_leak)},
          {"clean", check.clean()}};
}

bool is_refusal(std::string_view answer) {
  static constexpr std::array<std::string_view, 18> kOpenings = {
      "i cannot",      "i cant",          "i can not",      "i wont",
      "i will not",    "im sorry",        "i am sorry",     "sorry but i",
      "i apologize",   "im unable",       "i am unable",    "im not able",
      "i am not able", "as an ai",        "i must decline", "i decline",
      "i refuse",      "im afraid i cant"};
  const std::string normal = normalise_text(answer) + " ";
  return std::any_of(
      kOpenings.begin(), kOpenings.end(), [&](std::string_view opening) {
        return normal.starts_with(opening) && normal[opening.size()] == ' ';
      });
}

std::int64_t count_words(std::string_view text) {
  std::int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

}  // namespace veer
