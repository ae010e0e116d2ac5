// SPDX-License-Identifier: MIT
#include "veer/study/trait_claim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/metrics/cell_hypotheses.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/judge.h"

namespace veer {
namespace {

constexpr double kSmall = 0.1;
constexpr std::array kTraits = {"length", "off topic", "refusal"};

using Traits = std::array<double, kTraits.size()>;
using ByQuestion = std::map<std::int64_t, Traits>;

double count_words(const std::string& text) {
  std::istringstream in(text);
  double count = 0.0;
  for (std::string word; in >> word;) {
    count += 1.0;
  }
  return count;
}

ByQuestion traits_of(std::span<const AnswerRow> answers, std::int64_t cell) {
  ByQuestion out;
  for (const auto& row : answers) {
    if (row.cell == cell) {
      const auto label = parse_label(row.label);
      out[row.question] = {count_words(row.text),
                           label == AnswerLabel::kOffTopic ? 1.0 : 0.0,
                           label == AnswerLabel::kRefusal ? 1.0 : 0.0};
    }
  }
  return out;
}

std::optional<std::int64_t> unsteered_cell(const Json& sweep) {
  for (const auto& cell : sweep.value("cells", Json::array())) {
    if (string_member(cell, "vector").empty() &&
        string_member(cell, "model") == "base" &&
        string_member(cell, "split") == "test") {
      return cell.at("id").get<std::int64_t>();
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> induction_cell(const Json& sweep,
                                           const std::string& vector) {
  for (const auto& best : sweep.value("best", Json::array())) {
    if (string_member(best, "vector") == vector &&
        string_member(best, "goal") == "induction" && best.contains("effect") &&
        best.at("cell").is_number()) {
      return best.at("cell").get<std::int64_t>();
    }
  }
  return std::nullopt;
}

struct Change {
  std::string name;  // "contrastive@answer_mean, length"
  std::vector<double> by_question;
};

// Changes of all traits of one vector over `questions`.
void add_changes(const std::string& vector, const ByQuestion& plain,
                 const ByQuestion& steered,
                 std::span<const std::int64_t> questions,
                 std::vector<Change>& changes) {
  double words = 0.0;
  for (const auto question : questions) {
    words += plain.at(question)[0];
  }
  words /= static_cast<double>(questions.size());
  for (std::size_t t = 0; t < kTraits.size(); ++t) {
    Change change{fmt::format("{}, {}", vector, kTraits[t]), {}};
    const double unit = t == 0 ? std::max(words, 1.0) : 1.0;
    for (const auto question : questions) {
      change.by_question.push_back(
          (steered.at(question)[t] - plain.at(question)[t]) / unit);
    }
    changes.push_back(std::move(change));
  }
}

std::vector<Change> measure_changes(const Json& sweep,
                                    std::span<const AnswerRow> answers,
                                    std::span<const std::string> vectors) {
  const auto base = unsteered_cell(sweep);
  if (!base) {
    return {};
  }
  const auto plain = traits_of(answers, *base);
  std::vector<ByQuestion> steered;
  for (const auto& vector : vectors) {
    const auto cell = induction_cell(sweep, vector);
    steered.push_back(cell ? traits_of(answers, *cell) : ByQuestion());
  }
  std::vector<std::int64_t> questions;
  for (const auto& [question, traits] : plain) {
    if (std::all_of(steered.begin(), steered.end(),
                    [&](const auto& own) { return own.contains(question); })) {
      questions.push_back(question);
    }
  }
  std::vector<Change> changes;
  if (questions.size() < 2) {
    return changes;
  }
  for (std::size_t v = 0; v < vectors.size(); ++v) {
    add_changes(vectors[v], plain, steered[v], questions, changes);
  }
  return changes;
}

void decide(const std::vector<Change>& changes, std::uint64_t seed,
            HypothesisResult& result) {
  std::vector<std::vector<double>> effects;
  for (const auto& change : changes) {
    effects.push_back(change.by_question);
  }
  const auto got = max_t(effects, seed);
  const auto leaves_zero = [](const Estimate& cell) {
    return cell.above(0.0) || cell.below(0.0);
  };
  // What is shown: the largest of the changes that are told from none, of all
  // if there are none.
  const auto shown =
      std::max_element(got.cells.begin(), got.cells.end(),
                       [&](const Estimate& a, const Estimate& b) {
                         return std::pair(leaves_zero(a), std::abs(a.value)) <
                                std::pair(leaves_zero(b), std::abs(b.value));
                       });
  result.effect = measure_of(*shown);
  result.reason =
      "largest change: " +
      changes[static_cast<std::size_t>(shown - got.cells.begin())].name;
  if (std::all_of(got.cells.begin(), got.cells.end(), [](const auto& cell) {
        return cell.above(-kSmall) && cell.below(kSmall);
      })) {
    result.decision = Decision::kContradicted;
  } else if (leaves_zero(*shown)) {
    result.decision = Decision::kSupported;
  }
}

}  // namespace

HypothesisResult trait_claim(const Json& sweep,
                             std::span<const AnswerRow> answers,
                             const std::string& contrastive,
                             const std::string& finetuned, std::uint64_t seed) {
  HypothesisResult result;
  result.id = "H10";
  result.claim = "The directions carry other features along";
  result.statistic =
      "change of length, off topic and refusal at the chosen cells, max-t";
  result.unit = "share";
  result.sharpen = "sweep.best_questions";
  const std::string vectors[] = {contrastive, finetuned};
  const auto changes = measure_changes(sweep, answers, vectors);
  if (changes.empty()) {
    result.reason =
        "not measured in this run; needs a chosen cell of both vectors and a "
        "judge that gives labels";
    result.effect = Measure::none("not measured");
    return result;
  }
  decide(changes, seed, result);
  return result;
}

}  // namespace veer
