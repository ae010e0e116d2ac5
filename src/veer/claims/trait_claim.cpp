// SPDX-License-Identifier: MIT
#include "veer/claims/trait_claim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/claims/carried_confounds.h"
#include "veer/claims/sweep_evidence.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/judge.h"
#include "veer/metrics/measure_of.h"
#include "veer/results/vector_name.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

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

using AnswersByCell = std::map<std::int64_t, std::vector<const AnswerRow*>>;

AnswersByCell by_cell(std::span<const AnswerRow> answers) {
  AnswersByCell out;
  for (const auto& row : answers) {
    out[row.cell].push_back(&row);
  }
  return out;
}

ByQuestion traits_of(const AnswersByCell& answers, std::int64_t cell) {
  ByQuestion out;
  const auto found = answers.find(cell);
  if (found == answers.end()) {
    return out;
  }
  for (const auto* row : found->second) {
    const auto label = parse_label(row->label);
    out[row->question] = {count_words(row->text),
                          label == AnswerLabel::kOffTopic ? 1.0 : 0.0,
                          label == AnswerLabel::kRefusal ? 1.0 : 0.0};
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

struct Change {
  std::string name;  // "contrastive@answer_mean, length"
  // What random vectors in the place of the vector's cell do to the same trait:
  // the 95th percentile of their mean changes, whichever way. Infinite where
  // none ran: then the change shows nothing.
  double bar = std::numeric_limits<double>::infinity();
  // Nor does it where too much of the cell's text is broken.
  bool is_unbroken = true;
  std::vector<double> by_question;
  std::vector<std::int64_t> units;  // of these questions; empty = not known
};

// Test cells in which random vectors take the place of a vector's cell.
std::vector<std::int64_t> random_cells(const Json& sweep,
                                       const ChosenEffect& added) {
  const auto& cells = member(sweep, "cells");
  const auto own = std::ranges::find_if(cells, [&](const Json& cell) {
    return member(cell, "id") == added.cell;
  });
  std::vector<std::int64_t> out;
  if (own == cells.end()) {
    return out;
  }
  for (const auto& cell : cells) {
    const auto name = parse_vector_name(string_member(cell, "vector"));
    const bool same_place = std::ranges::all_of(
        std::array{"operator", "unit", "scale", "layers", "model", "split"},
        [&](const char* key) {
          return member(cell, key) == member(*own, key);
        });
    if (name.kind == VectorName::Kind::kRandom && name.of == added.vector &&
        same_place) {
      out.push_back(cell.at("id").get<std::int64_t>());
    }
  }
  return out;
}

double mean_change(const ByQuestion& plain, const ByQuestion& steered,
                   std::size_t trait) {
  double before = 0.0;
  double after = 0.0;
  double count = 0.0;
  for (const auto& [question, traits] : steered) {
    if (const auto found = plain.find(question); found != plain.end()) {
      before += found->second[trait];
      after += traits[trait];
      count += 1.0;
    }
  }
  const double unit = trait == 0 ? std::max(before, count) : count;
  return count > 0.0 ? (after - before) / unit : 0.0;
}

// The bar of each trait (Change::bar).
Traits random_bars(const Json& sweep, const AnswersByCell& answers,
                   const ChosenEffect& added, const ByQuestion& plain) {
  Traits bars;
  bars.fill(std::numeric_limits<double>::infinity());
  std::array<std::vector<double>, kTraits.size()> changes;
  for (const auto cell : random_cells(sweep, added)) {
    const auto steered = traits_of(answers, cell);
    for (std::size_t t = 0; t < kTraits.size() && !steered.empty(); ++t) {
      changes[t].push_back(std::abs(mean_change(plain, steered, t)));
    }
  }
  for (std::size_t t = 0; t < kTraits.size(); ++t) {
    if (!changes[t].empty()) {
      bars[t] = critical_quantile(changes[t], 0.95);
    }
  }
  return bars;
}

// Changes of all traits of one vector over `questions`.
void add_changes(const ChosenEffect& added, const ByQuestion& plain,
                 const ByQuestion& steered,
                 std::span<const std::int64_t> questions, const Traits& bars,
                 std::vector<Change>& changes) {
  double words = 0.0;
  for (const auto question : questions) {
    words += plain.at(question)[0];
  }
  words /= static_cast<double>(questions.size());
  for (std::size_t t = 0; t < kTraits.size(); ++t) {
    Change change;
    change.name = fmt::format("{}, {}", added.vector, kTraits[t]);
    change.bar = bars[t];
    change.is_unbroken = added.is_unbroken();
    const double unit = t == 0 ? std::max(words, 1.0) : 1.0;
    for (const auto question : questions) {
      change.by_question.push_back(
          (steered.at(question)[t] - plain.at(question)[t]) / unit);
    }
    changes.push_back(std::move(change));
  }
}

std::vector<Change> measure_changes(const Json& sweep,
                                    const AnswersByCell& answers,
                                    const std::vector<ChosenEffect>& effects,
                                    const std::vector<std::string>& wanted) {
  const auto base = unsteered_cell(sweep);
  if (!base) {
    return {};
  }
  const auto plain = traits_of(answers, *base);
  std::vector<ByQuestion> steered;
  std::vector<const ChosenEffect*> chosen;
  std::vector<Traits> bars;
  for (const auto& vector : wanted) {
    if (const auto* added =
            find_effect(effects, vector, "induction", "linear")) {
      chosen.push_back(added);
      steered.push_back(traits_of(answers, added->cell));
      bars.push_back(random_bars(sweep, answers, *added, plain));
    }
  }
  std::vector<std::int64_t> questions;
  for (const auto& [question, traits] : plain) {
    if (std::all_of(steered.begin(), steered.end(),
                    [&](const auto& own) { return own.contains(question); })) {
      questions.push_back(question);
    }
  }
  std::vector<Change> changes;
  if (questions.size() < 2 || chosen.empty()) {
    return changes;
  }
  for (std::size_t v = 0; v < chosen.size(); ++v) {
    add_changes(*chosen[v], plain, steered[v], questions, bars[v], changes);
  }
  const auto units = test_units(sweep);
  for (auto& change : changes) {
    for (const auto question : questions) {
      if (static_cast<std::size_t>(question) < units.size()) {
        change.units.push_back(units[static_cast<std::size_t>(question)]);
      }
    }
  }
  return changes;
}

// Of all traits and vectors together.
struct Traits95 {
  bool all_small = false;
  bool any_large = false;
  Estimate largest;
  std::string name;
  double bar = 0.0;    // that it has to exceed
  std::string beside;  // what random vectors do there, in words
};

std::string percent(double share) {
  return rounded(100.0 * share, 0);
}

std::string beside_text(const Change& change) {
  if (!change.is_unbroken) {
    return "in text of which too much is broken, so that it shows nothing";
  }
  return std::isfinite(change.bar)
             ? fmt::format("where 95 % of random vectors stay below {} %",
                           percent(change.bar))
             : "beside which no random vectors ran, so that it shows nothing";
}

Traits95 judge_traits(const std::vector<Change>& changes, std::uint64_t seed,
                      double margin) {
  Traits95 out;
  if (changes.empty()) {
    return out;
  }
  std::vector<std::vector<double>> effects;
  for (const auto& change : changes) {
    effects.push_back(change.by_question);
  }
  const auto got = max_t(effects, seed, 10000, 0.95, changes.front().units);
  out.all_small = true;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& cell = got.cells[i];
    out.all_small = out.all_small && cell.above(-margin) && cell.below(margin);
    const double bar = std::max(margin, changes[i].bar);
    const bool large =
        changes[i].is_unbroken && (cell.above(bar) || cell.below(-bar));
    // One that random vectors do not reach is shown before larger ones.
    if (!out.largest.defined() || (large && !out.any_large) ||
        (large == out.any_large &&
         std::abs(cell.value) > std::abs(out.largest.value))) {
      out.largest = cell;
      out.name = changes[i].name;
      out.bar = bar;
      out.beside = beside_text(changes[i]);
    }
    out.any_large = out.any_large || large;
  }
  return out;
}

std::string carried_text(const std::vector<CarriedConfound>& carried) {
  std::string text;
  for (const auto& own : carried) {
    text += fmt::format(
        "{}{}: {} % along {} at layer {} ({}){}", text.empty() ? "" : "; ",
        own.vector, percent(*own.share.value), own.confound, own.layer,
        own.by_chance
            ? fmt::format("{} % is reached by chance", percent(*own.by_chance))
            : std::string("what chance gives is not known"),
        own.span ? fmt::format(", {} % in the span of all", percent(*own.span))
                 : "");
  }
  return text;
}

std::string changes_text(const Traits95& traits) {
  return traits.largest.defined()
             ? fmt::format(
                   "largest change of the answers: {}, {} % [{}, {}], {}",
                   traits.name, signed_rounded(100.0 * traits.largest.value, 0),
                   signed_rounded(100.0 * traits.largest.low, 0),
                   signed_rounded(100.0 * traits.largest.high, 0),
                   traits.beside)
             : "";
}

std::string joined(const std::string& a, const std::string& b) {
  return a + (a.empty() || b.empty() ? "" : "; ") + b;
}

// What the share along a confound has to exceed: the margin, and what a random
// direction holds along its largest of them. Without the second nothing does.
double bar_of(const CarriedConfound& own, double margin) {
  return std::max(margin, own.by_chance.value_or(1.0));
}

void decide(const std::vector<CarriedConfound>& carried, const Traits95& traits,
            HypothesisResult& row) {
  bool any_large = traits.any_large;
  bool all_small = traits.all_small && !carried.empty();
  const CarriedConfound* most = nullptr;
  for (const auto& own : carried) {
    const double bar = bar_of(own, row.margin());
    any_large = any_large || *own.share.low > bar;
    all_small = all_small && *own.share.high < row.margin() &&
                own.span.value_or(1.0) < row.margin();
    // The one that decides: the surest to exceed its bar.
    if (most == nullptr ||
        *own.share.low - bar > *most->share.low - bar_of(*most, row.margin())) {
      most = &own;
    }
  }
  const double bar = most == nullptr ? 1.0 : bar_of(*most, row.margin());
  const bool by_traits =
      most == nullptr || (traits.any_large && *most->share.low <= bar);
  row.effect = by_traits ? measure_of(traits.largest) : most->share;
  if (by_traits) {
    row.definition.unit = "change of the answers, as a share";
  }
  row.p = p_beyond(row.effect,
                   any_large ? (by_traits ? traits.bar : bar) : row.margin());
  row.reason = joined(carried_text(carried), changes_text(traits));
  if (any_large) {
    row.decision = Decision::kSupported;
  } else if (all_small) {
    row.decision = Decision::kContradicted;
  }
}

}  // namespace

HypothesisResult trait_claim(const Json& comparison, const Json& sweep,
                             std::span<const AnswerRow> answers,
                             const std::vector<ChosenEffect>& effects,
                             const std::vector<std::string>& deciding,
                             const std::vector<std::string>& vectors,
                             std::uint64_t seed) {
  auto row = claim_row("H10");
  const auto carried = carried_confounds(comparison, effects, deciding);
  const auto rows = by_cell(answers);
  const auto changes = measure_changes(sweep, rows, effects, deciding);
  if (changes.empty() && carried.empty()) {
    return not_measured(
        "H10",
        "not measured in this run; needs plain addition of the contrastive or "
        "the fine-tuned vector and a judge that gives labels");
  }
  decide(carried, judge_traits(changes, seed, row.margin()), row);
  std::vector<std::string> others;
  std::ranges::copy_if(
      vectors, std::back_inserter(others), [&](const std::string& name) {
        return std::ranges::find(deciding, name) == deciding.end();
      });
  const auto beside = joined(
      carried_text(carried_confounds(comparison, effects, others)),
      changes_text(judge_traits(measure_changes(sweep, rows, effects, others),
                                seed, row.margin())));
  row.reason += beside.empty() ? "" : "; not deciding: " + beside;
  return row;
}

}  // namespace veer
