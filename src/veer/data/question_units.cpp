// SPDX-License-Identifier: MIT
#include "veer/data/question_units.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "veer/data/splits.h"
#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

constexpr std::size_t kOftenOne = 20;  // one in so many questions
constexpr std::size_t kOftenLeast = 10;

// Answers that any question may have.
bool is_generic(std::string_view answer) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "yes",  "no",        "true",   "false",   "correct", "incorrect",
      "none", "both",      "agree",  "neither", "right",   "wrong",
      "safe", "dangerous", "unsafe", "disagree"};
  return answer.size() <= 1 ||
         std::ranges::find(kWords, answer) != kWords.end() ||
         std::ranges::all_of(answer,
                             [](char c) { return c >= '0' && c <= '9'; });
}

using AnswerPair = std::pair<std::string, std::string>;

AnswerPair answers_of(const QuestionRecord& record) {
  return {normalise_text(record.honest), normalise_text(record.deceptive)};
}

// Questions by the two answers they share, of pairs that say something about
// the question.
struct AnswerGroups {
  std::vector<std::vector<std::size_t>> groups;
  std::int64_t generic_pairs = 0;
};

AnswerGroups answer_groups(const std::vector<QuestionRecord>& records) {
  std::map<AnswerPair, std::vector<std::size_t>> by_pair;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!records[i].honest.empty() && !records[i].deceptive.empty()) {
      by_pair[answers_of(records[i])].push_back(i);
    }
  }
  AnswerGroups out;
  for (const auto& [pair, members] : by_pair) {
    if (members.size() < 2) {
      continue;
    }
    const bool both_ways = by_pair.contains({pair.second, pair.first});
    const bool often = members.size() > kOftenLeast &&
                       members.size() * kOftenOne > records.size();
    if (both_ways || often ||
        (is_generic(pair.first) && is_generic(pair.second))) {
      ++out.generic_pairs;
    } else {
      out.groups.push_back(members);
    }
  }
  return out;
}

// Union-find by smallest member.
class Joined {
 public:
  explicit Joined(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) {
      i = parent_[i] = parent_[parent_[i]];
    }
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    const auto first = root(a);
    const auto second = root(b);
    parent_[std::max(first, second)] = std::min(first, second);
  }

 private:
  std::vector<std::size_t> parent_;
};

// Sets the units to clusters; returns how many pairs of answers bind nothing.
std::int64_t assign_clusters(std::vector<QuestionRecord>& records,
                             double near_jaccard) {
  Joined joined(records.size());
  const auto names = cluster_names(records, near_jaccard, /*by_topic=*/false);
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < names.size(); ++i) {
    joined.join(first.try_emplace(names[i], i).first->second, i);
  }
  const auto answers = answer_groups(records);
  for (const auto& group : answers.groups) {
    for (const auto i : group) {
      joined.join(group.front(), i);
    }
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].unit = records[joined.root(i)].id;
  }
  return answers.generic_pairs;
}

// Sets the units to topics. Questions without one get the unit of the first
// question with one in their cluster, or the cluster itself. Returns what
// assign_clusters does, 0 where every question has a topic.
std::int64_t assign_topics(std::vector<QuestionRecord>& records,
                           double near_jaccard, std::int64_t without_topic) {
  const auto generic =
      without_topic > 0 ? assign_clusters(records, near_jaccard) : 0;
  std::map<std::string, std::string> by_cluster;
  for (auto& record : records) {
    if (!record.topic.empty()) {
      const auto unit = "topic " + record.topic;
      by_cluster.try_emplace(record.unit, unit);
      record.unit = unit;
    }
  }
  for (auto& record : records) {
    if (const auto found = by_cluster.find(record.unit);
        record.topic.empty() && found != by_cluster.end()) {
      record.unit = found->second;
    }
  }
  return generic;
}

// Units among the questions that make vectors, or report.
std::int64_t units_in(const std::vector<QuestionRecord>& records,
                      std::string_view split) {
  std::set<std::string_view> units;
  for (const auto& record : records) {
    if (record.split == split || record.fold > 0) {
      units.insert(record.unit);
    }
  }
  return std::ssize(units);
}

// Fewest units of the two splits that are measured with; of a split without
// questions nothing is asked.
std::int64_t fewest_units(const std::vector<QuestionRecord>& records) {
  std::int64_t fewest = std::ssize(records);
  for (const char* split : {"extract", "test"}) {
    const auto units = units_in(records, split);
    fewest = units > 0 ? std::min(fewest, units) : fewest;
  }
  return fewest;
}

void count_units(const std::vector<QuestionRecord>& records, UnitChoice& out) {
  std::map<std::string_view, std::int64_t> sizes;
  for (const auto& record : records) {
    out.largest = std::max(out.largest, ++sizes[record.unit]);
  }
  out.questions = std::ssize(records);
  out.units = std::ssize(sizes);
}

// Why topics are not the units although the questions have them; empty if they
// are.
std::string against_topics(const std::vector<QuestionRecord>& records,
                           std::int64_t all_topics) {
  const auto fewest = fewest_units(records);
  if (fewest < std::min(kFewestUnits, std::ssize(records))) {
    return fmt::format(
        " Topics are too few to be that: only {} of them make vectors or "
        "report, and at least {} are needed.",
        fewest, kFewestUnits);
  }
  if (all_topics > 0 && fewest >= all_topics) {
    return fmt::format(
        " Not over topics: the questions that make vectors and those that "
        "report are each about all {} topics that this model knows, so that "
        "topics are no sample of more.",
        all_topics);
  }
  return "";
}

std::string text_of(const UnitChoice& choice, const std::string& why) {
  if (choice.kind == "question") {
    return "Every question stands alone: intervals are over questions." + why;
  }
  const bool topics = choice.kind == "topic";
  const auto without =
      topics && choice.without_topic > 0
          ? fmt::format(
                " {} questions have no topic: each stands with the questions "
                "that are like it in wording or answers, or alone.",
                choice.without_topic)
          : "";
  return fmt::format(
             "Intervals are over {} {}, not over {} questions: the largest has "
             "{} questions.",
             choice.units,
             !topics ? "clusters of questions alike in wording or answers"
             : without.empty() ? "topics"
                               : "topics and clusters",
             choice.questions, choice.largest) +
         without + why;
}

}  // namespace

UnitChoice assign_units(std::vector<QuestionRecord>& records,
                        double near_jaccard, std::int64_t all_topics) {
  UnitChoice out;
  std::string why;  // topics are not the units
  const auto without_topic = std::ranges::count_if(
      records, [](const auto& record) { return record.topic.empty(); });
  const bool has_topics = without_topic < std::ssize(records);
  if (has_topics) {
    out.without_topic = without_topic;
    out.generic_pairs = assign_topics(records, near_jaccard, without_topic);
    out.kind = "topic";
    why = against_topics(records, all_topics);
    out.all_topics =
        !why.empty() && fewest_units(records) >= kFewestUnits ? all_topics : 0;
  }
  if (!has_topics || !why.empty()) {
    out.generic_pairs = assign_clusters(records, near_jaccard);
    out.kind = "cluster";
  }
  count_units(records, out);
  if (out.units == out.questions) {
    out.kind = "question";
  }
  out.text = text_of(out, why);
  return out;
}

std::vector<QuestionRecord> spread_over_units(
    std::vector<QuestionRecord> records) {
  std::map<std::pair<std::string, std::string>, std::size_t> seen;
  std::vector<std::pair<std::size_t, std::size_t>> order;  // turn, position
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    const auto& own = record.topic.empty() ? record.unit : record.topic;
    order.emplace_back(own.empty() ? 0 : seen[std::pair(record.split, own)]++,
                       i);
  }
  std::ranges::sort(order);
  std::vector<QuestionRecord> out;
  for (const auto& [turn, i] : order) {
    out.push_back(std::move(records[i]));
  }
  return out;
}

std::vector<std::string> unit_names(
    const std::vector<QuestionRecord>& records) {
  std::vector<std::string> names;
  for (const auto& record : records) {
    names.push_back(record.unit.empty() ? record.id : record.unit);
  }
  return names;
}

}  // namespace veer
