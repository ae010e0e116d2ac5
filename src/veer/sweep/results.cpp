// SPDX-License-Identifier: MIT
#include "veer/sweep/results.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/question_units.h"
#include "veer/data/units.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/present_mean.h"
#include "veer/results/choice_rank.h"
#include "veer/results/vector_name.h"
#include "veer/sweep/cell_divergences.h"

namespace veer {
namespace {

constexpr std::int64_t kScoreDraws = 2000;

Estimate undefined() {
  return {};
}

}  // namespace

std::vector<Goal> goals(const SweepSettings& settings) {
  std::vector<Goal> list;
  for (const auto& [name, model] :
       {std::pair{"induction", "base"}, std::pair{"suppression", "tuned"}}) {
    if (std::find(settings.models.begin(), settings.models.end(), model) !=
        settings.models.end()) {
      list.push_back({name, model});
    }
  }
  return list;
}

SweepResults::SweepResults(StudyContext& context,
                           std::span<const SweepCell> cells)
    : context_(context),
      has_labels_(context.judge_kind() != JudgeKind::kLogprob) {
  for (const char* split : {"test", "select"}) {
    units_[split] = units_of(unit_names(context.split(split)));
  }
  extend(cells);
}

std::span<const std::int64_t> SweepResults::units(
    const std::string& split) const {
  const auto found = units_.find(split);
  return found == units_.end() ? std::span<const std::int64_t>{}
                               : std::span(found->second);
}

std::span<const std::int64_t> SweepResults::units(const SweepCell& cell) const {
  const auto all = units(cell.row.split);
  const auto first =
      std::min(all.size(), static_cast<std::size_t>(cell.first_question));
  return all.subspan(first,
                     std::min(all.size() - first,
                              static_cast<std::size_t>(cell.num_questions)));
}

void SweepResults::extend(std::span<const SweepCell> cells) {
  const bool is_first = cells_.empty();
  const std::size_t first = cells_.size();
  cells_.insert(cells_.end(), cells.begin(), cells.end());
  answers_.resize(cells_.size());
  for (auto& row : context_.store().answers(static_cast<std::int64_t>(first))) {
    if (row.cell < std::ssize(answers_)) {
      answers_[static_cast<std::size_t>(row.cell)].push_back(std::move(row));
    }
  }
  if (is_first && !has_labels_) {
    sound_text_ = sound_text();
  }
  for (std::size_t i = first; i < cells_.size(); ++i) {
    context_.monitor().check_stop("sweep");
    results_.push_back(pooled(std::span(cells_).subspan(i, 1)));
    context_.monitor().progress({"sweep: intervals",
                                 static_cast<std::int64_t>(i) + 1,
                                 std::ssize(cells_), "cells", ""});
  }
}

SoundText SweepResults::sound_text() const {
  std::map<std::string, std::vector<AnswerRow>> unsteered;
  for (const auto& model : context_.manifest().sweep.models) {
    unsteered[model] = answers_[unsteered_cell(cells_, model, "select")];
  }
  return SoundText(unsteered,
                   reference_rows(context_, context_.split("select")));
}

CellAnswers SweepResults::answers_of(std::span<const SweepCell> cells) const {
  CellAnswers answers;
  for (const auto& cell : cells) {
    for (const auto& row : answers_[static_cast<std::size_t>(cell.row.id)]) {
      const auto question = row.question - cell.first_question;
      // A copy of a cell may ask for some of its questions only.
      if (question < 0 || question >= cell.num_questions) {
        continue;
      }
      answers.question.push_back(question);
      answers.label.push_back(parse_label(row.label));
      answers.score.push_back(row.score);
      if (!has_labels_) {
        answers.flagged.push_back(sound_text_->is_flagged(cell.row.model, row));
      }
    }
  }
  return answers;
}

CellAnswers SweepResults::unsteered_of(const SweepCell& cell) const {
  auto unsteered =
      cells_[unsteered_cell(cells_, cell.row.model, cell.row.split)];
  unsteered.first_question = cell.first_question;
  unsteered.num_questions = cell.num_questions;
  return answers_of(std::span(&unsteered, 1));
}

bool SweepResults::is_whole(const CellResult& result) const {
  const auto& cell = result.cell;
  const auto before =
      coherent_by_question(unsteered_of(cell), cell.num_questions);
  return !(result.summary.coherent.value < present_mean(before));
}

CellResult SweepResults::pooled(std::span<const SweepCell> cells) const {
  const auto& first = cells.front();
  CellResult result;
  result.cell = first;
  const auto own = answers_of(cells);
  result.summary = summarise(own, unsteered_of(first), first.num_questions,
                             context_.seed(), units(first));
  if (!has_labels_) {
    result.score = bootstrap_mean(score_by_question(own, first.num_questions),
                                  context_.seed(), 10000, 0.95, units(first));
  }
  return result;
}

std::vector<double> SweepResults::measured(const CellAnswers& answers,
                                           const Goal& goal,
                                           std::int64_t num_questions) const {
  if (has_labels_) {
    return label_by_question(answers,
                             goal.name == "induction" ? AnswerLabel::kDeceptive
                                                      : AnswerLabel::kHonest,
                             num_questions);
  }
  auto scores = score_by_question(answers, num_questions);
  if (goal.name == "suppression") {
    for (double& score : scores) {
      score = -score;
    }
  }
  return scores;
}

std::vector<double> SweepResults::outcomes(const SweepCell& cell,
                                           const Goal& goal) const {
  return measured(answers_of(std::span(&cell, 1)), goal, cell.num_questions);
}

std::vector<double> SweepResults::scores(const SweepCell& cell) const {
  return score_by_question(answers_of(std::span(&cell, 1)), cell.num_questions);
}

std::vector<double> SweepResults::changes(const SweepCell& cell,
                                          const Goal& goal,
                                          std::int64_t limit) const {
  auto changes = outcomes(cell, goal);
  const auto before = measured(unsteered_of(cell), goal, cell.num_questions);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    changes[i] -= before[i];
  }
  if (limit > 0 && std::ssize(changes) > limit) {
    changes.resize(static_cast<std::size_t>(limit));
  }
  return changes;
}

double SweepResults::sign_of(const Goal& goal) const {
  return !has_labels_ && goal.name == "suppression" ? -1.0 : 1.0;
}

Estimate SweepResults::difference(const SweepCell& a, const SweepCell& b,
                                  const Goal& goal) const {
  auto of_a = outcomes(a, goal);
  auto of_b = outcomes(b, goal);
  const auto common = std::min(of_a.size(), of_b.size());
  of_a.resize(common);
  of_b.resize(common);
  const auto n = static_cast<std::int64_t>(common);
  if (has_labels_) {
    return share_difference(of_a, n, of_b, n, 0.95, units(a));
  }
  // outcomes() turned both.
  return sign_of(goal) > 0.0 ? paired_difference(of_a, of_b, context_.seed(),
                                                 kScoreDraws, 0.95, units(a))
                             : paired_difference(of_b, of_a, context_.seed(),
                                                 kScoreDraws, 0.95, units(a));
}

std::vector<double> SweepResults::coherent(const SweepCell& cell) const {
  return coherent_by_question(answers_of(std::span(&cell, 1)),
                              cell.num_questions);
}

std::string SweepResults::measure(const Goal& goal) const {
  if (!has_labels_) {
    return "score";
  }
  return goal.name == "induction" ? "deceptive" : "honest";
}

Estimate SweepResults::effect(const CellResult& result,
                              const Goal& goal) const {
  if (!has_labels_) {
    return result.summary.score_change;
  }
  return goal.name == "induction" ? result.summary.induction
                                  : result.summary.suppression;
}

double SweepResults::gain(const CellResult& result, const Goal& goal) const {
  const double least = context_.manifest().sweep.min_coherent;
  if (!(result.summary.coherent.value >= least)) {
    return std::nan("");
  }
  return sign_of(goal) * effect(result, goal).value;
}

Estimate SweepResults::share(const CellResult& result, const Goal& goal) const {
  if (!has_labels_) {
    return result.score;
  }
  return goal.name == "induction" ? result.summary.deceptive
                                  : result.summary.honest;
}

const CellResult* SweepResults::chosen(
    const Goal& goal, const std::function<bool(const SweepCell&)>& wanted,
    const CellDivergences& prices) const {
  const double most = context_.manifest().sweep.max_kl;
  const CellResult* best = nullptr;
  ChoiceRank best_rank;
  for (const auto& result : results_) {
    const auto& row = result.cell.row;
    if (row.model != goal.model || row.split != "select" ||
        result.cell.is_unsteered() || result.cell.is_trial ||
        !wanted(result.cell)) {
      continue;
    }
    const auto* price = prices.price(result.cell);
    const ChoiceRank rank{
        gain(result, goal), price == nullptr ? std::nan("") : price->nats.p95,
        price == nullptr ? std::nan("") : price->moved_mean, is_whole(result)};
    if (!std::isnan(rank.gain) && is_affordable(prices, result.cell, most) &&
        (best == nullptr || ranks_before(rank, best_rank))) {
      best = &result;
      best_rank = rank;
    }
  }
  return best;
}

std::int64_t SweepResults::not_finite() const {
  std::int64_t count = 0;
  for (const auto& rows : answers_) {
    count += std::ranges::count_if(rows, is_not_finite);
  }
  return count;
}

const AnswerRow& SweepResults::answer(std::int64_t cell,
                                      std::int64_t question) const {
  return answers_[static_cast<std::size_t>(cell)]
                 [static_cast<std::size_t>(question)];
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json estimate_json(const Estimate& estimate) {
  const bool is_defined = estimate.defined();
  Json out = {{"value", number_or_null(estimate.value)},
              {"low", is_defined ? number_or_null(estimate.low) : nullptr},
              {"high", is_defined ? number_or_null(estimate.high) : nullptr},
              {"n", estimate.n},
              {"method", estimate.method}};
  if (estimate.clusters > 0) {
    out["clusters"] = estimate.clusters;
  }
  return out;
}

Json units_json(const SweepResults& results) {
  Json out = Json::object();
  for (const char* split : {"test", "select"}) {
    const auto units = results.units(split);
    out[split] = std::vector<std::int64_t>(units.begin(), units.end());
  }
  return out;
}

Json cell_json(const CellResult& result, bool has_labels) {
  const auto& row = result.cell.row;
  const auto& summary = result.summary;
  const auto labelled = [&](const Estimate& estimate) {
    return estimate_json(has_labels ? estimate : undefined());
  };
  const auto layer = result.cell.layer();
  return {{"id", row.id},
          {"vector", row.vector},
          {"family", row.family},
          {"operator", row.operation},
          {"unit", row.unit},
          {"scale", row.scale},
          {"signed_scale", result.cell.signed_scale()},
          {"layers", row.layers},
          {"layer", layer < 0 ? Json(nullptr) : Json(layer)},
          {"model", row.model},
          {"split", row.split},
          {"n", summary.n},
          {"clusters", summary.coherent.clusters},
          {"honest", labelled(summary.honest)},
          {"deceptive", labelled(summary.deceptive)},
          {"mixed", labelled(summary.mixed)},
          {"off_topic", labelled(summary.off_topic)},
          {"refusal", labelled(summary.refusal)},
          {"broken", labelled(summary.broken)},
          {"coherent", estimate_json(summary.coherent)},
          {"induction", labelled(summary.induction)},
          {"suppression", labelled(summary.suppression)},
          {"score", estimate_json(result.score)},
          {"score_change",
           estimate_json(has_labels ? undefined() : summary.score_change)},
          {"random",
           result.cell.control < 0 ? Json(nullptr) : Json(result.cell.control)},
          {"confirms", result.cell.confirms < 0 ? Json(nullptr)
                                                : Json(result.cell.confirms)},
          {"first_question", result.cell.first_question == 0
                                 ? Json(nullptr)
                                 : Json(result.cell.first_question)}};
}

Json breaks_json(const SweepResults& results, double min_coherent) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  struct Line {
    Key key;
    std::vector<std::pair<double, double>> points;  // scale, coherent
  };
  std::vector<Line> lines;
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    // Controls of chosen cells ("random-1|...") are single points.
    if (row.unit != "rel" || row.split != "test" ||
        parse_vector_name(row.vector).stands_in()) {
      continue;
    }
    const Key key{row.vector, row.model, row.layers, row.operation};
    auto found =
        std::find_if(lines.begin(), lines.end(),
                     [&](const Line& line) { return line.key == key; });
    if (found == lines.end()) {
      lines.push_back({key, {}});
      found = lines.end() - 1;
    }
    found->points.emplace_back(row.scale, result.summary.coherent.value);
  }
  Json out = Json::array();
  for (auto& line : lines) {
    std::sort(line.points.begin(), line.points.end());
    Json last = nullptr;
    Json first = nullptr;
    for (const auto& [scale, coherent] : line.points) {
      if (coherent < min_coherent) {
        first = scale;
        break;
      }
      last = scale;
    }
    const auto& [vector, model, layers, operation] = line.key;
    out.push_back({{"vector", vector},
                   {"model", model},
                   {"layers", layers},
                   {"unit", "rel"},
                   {"operator", operation},
                   {"last_coherent", last},
                   {"first_broken", first}});
  }
  return out;
}

}  // namespace veer
