// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/best.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/metrics/intervals.h"
#include "veer/results/vector_name.h"
#include "veer/sweep/matched_controls.h"
#include "veer/sweep/no_choice.h"

namespace veer {
namespace {

// The cell in which the other model's states are copied at these layers; the
// last layer's where several act, because that copies its answers.
const SweepCell* ceiling_cell(const Sweep& sweep, const std::string& layers,
                              const std::string& model) {
  const auto num_layers = sweep.runner.size().num_layers;
  const SweepCell* last = nullptr;
  for (const auto& cell : sweep.cells) {
    if (cell.row.vector != kPatchVector || cell.row.model != model) {
      continue;
    }
    if (cell.row.layers == layers) {
      return &cell;
    }
    if (cell.layer() == num_layers - 1) {
      last = &cell;
    }
  }
  return layers.find_first_not_of("0123456789") == std::string::npos ? nullptr
                                                                     : last;
}

// Effect of the cell over the effect of copying the other model's states,
// on the questions that both were asked.
Estimate ceiling_share(const Sweep& sweep, const SweepResults& results,
                       const SweepCell& cell, const Goal& goal) {
  const auto* ceiling = ceiling_cell(sweep, cell.row.layers, goal.model);
  if (ceiling == nullptr) {
    return {};
  }
  const auto common = std::min(cell.num_questions, ceiling->num_questions);
  return paired_ratio(results.changes(cell, goal, common),
                      results.changes(*ceiling, goal, common),
                      sweep.context.seed(), 0.1, 2000, 0.95,
                      results.units(cell));
}

// The chosen cell against vectors of fewer questions in its place, paired by
// question; their answers to one question are averaged.
Json fewer_questions_json(const Sweep& sweep, const SweepResults& results,
                          const Best& best) {
  if (best.subsets.empty()) {
    return nullptr;
  }
  const auto whole = results.outcomes(best.cell, best.goal);
  std::vector<double> fewer(whole.size());
  for (const auto& cell : best.subsets) {
    const auto own = results.outcomes(cell, best.goal);
    for (std::size_t i = 0; i < fewer.size(); ++i) {
      fewer[i] += own[i] / static_cast<double>(best.subsets.size());
    }
  }
  const auto n = std::ssize(whole);
  // Shares keep an interval of honest width also where all agree.
  const auto difference =
      results.has_labels()
          ? share_difference(whole, n, fewer, n * std::ssize(best.subsets),
                             0.95, results.units(best.cell))
          : paired_difference(whole, fewer, sweep.context.seed(), 2000, 0.95,
                              results.units(best.cell));
  return {{"questions", sweep.context.manifest().sweep.subset_questions},
          {"of", sweep.runner.size().mean_of.at(best.vector)},
          {"draws", best.subsets.size()},
          {"effect", estimate_json(results.effect(results.pooled(best.subsets),
                                                  best.goal))},
          {"difference", estimate_json(difference)}};
}

Json best_entry(Sweep& sweep, const Best& best, const SweepResults& results,
                const SideMeasures& measures) {
  const auto& cell = results.of(best.cell.row.id);
  const auto baseline = unsteered_cell(sweep.cells, best.goal.model, "test");
  const Estimate effect = results.effect(cell, best.goal);
  const auto& row = best.cell.row;
  Json entry = {
      {"vector", best.vector},
      {"family", vector_family(best.vector)},
      {"goal", best.goal.name},
      {"model", best.goal.model},
      {"group", best.group},
      {"cell", row.id},
      {"layers", row.layers},
      {"unit", row.unit},
      {"scale", row.scale},
      {"operator", row.operation},
      {"scope", best.cell.act.scope},
      {"measure", results.measure(best.goal)},
      {"chosen_on", "select"},
      {"select_value", best.select_value},
      {"candidates", best.num_candidates},
      {"baseline",
       estimate_json(results.share(results.all()[baseline], best.goal))},
      {"effect", estimate_json(effect)},
      {"share", estimate_json(results.share(cell, best.goal))},
      {"coherent", estimate_json(cell.summary.coherent)},
      {"wrong_way", estimate_json(cell.summary.wrong_way)},
      {"of_ceiling",
       estimate_json(ceiling_share(sweep, results, best.cell, best.goal))},
      {"specificity", measures.specificity_json(best.cell, best.goal)},
      {"anti_steerable", measures.anti_steerable_json(best.cell, best.goal)},
      {"fewer_questions", fewer_questions_json(sweep, results, best)}};
  add_control_numbers(sweep, best, results, entry);
  return entry;
}

// A vector of which nothing was chosen for a goal, and why: nothing was tried
// is not the same as nothing held.
Json without_choice(const Sweep& sweep, const SweepResults& results,
                    const std::string& vector, const Goal& goal) {
  const auto serves = [&](const SweepCell& cell) {
    return cell.row.vector == vector && cell.row.model == goal.model;
  };
  const auto& settings = sweep.context.manifest().sweep;
  SearchedCells cells;
  cells.tried = std::ranges::count_if(searched_on_select(sweep), serves);
  for (const auto& result : results.all()) {
    if (!serves(result.cell) || result.cell.row.split != "select" ||
        result.cell.is_unsteered() ||
        !(result.summary.coherent.value >= settings.min_coherent)) {
      continue;
    }
    ++cells.unbroken;
    cells.affordable +=
        is_affordable(sweep.divergences, result.cell, settings.max_kl) ? 1 : 0;
  }
  return {{"vector", vector},
          {"family", vector_family(vector)},
          {"goal", goal.name},
          {"model", goal.model},
          {"cell", nullptr},
          {"candidates", cells.tried},
          {"reason", no_choice_reason(goal.name, cells, settings.max_kl)}};
}

}  // namespace

Json best_json(Sweep& sweep, const SweepResults& results,
               const SideMeasures& measures) {
  Json list = Json::array();
  for (const auto& best : sweep.best) {
    if (best.group == "any") {
      list.push_back(best_entry(sweep, best, results, measures));
    }
  }
  for (const auto& vector : sweep.runner.size().vectors) {
    for (const auto& goal : goals(sweep.context.manifest().sweep)) {
      const bool found = std::any_of(
          sweep.best.begin(), sweep.best.end(), [&](const Best& best) {
            return best.vector == vector && best.goal.name == goal.name &&
                   best.group == "any";
          });
      if (!found) {
        list.push_back(without_choice(sweep, results, vector, goal));
      }
    }
  }
  return list;
}

Json groups_json(Sweep& sweep, const SweepResults& results,
                 const SideMeasures& measures) {
  Json list = Json::array();
  for (const auto& best : sweep.best) {
    if (best.group != "any") {
      list.push_back(best_entry(sweep, best, results, measures));
    }
  }
  return list;
}

Json corrections_json(const Sweep& sweep, const SweepResults& results) {
  const auto seed = sweep.context.seed();
  Json list = Json::array();
  for (const auto& goal : goals(sweep.context.manifest().sweep)) {
    std::vector<const Best*> reported;
    std::vector<std::vector<double>> changes;
    for (const auto& best : sweep.best) {
      if (best.group == "any" && best.goal.name == goal.name) {
        reported.push_back(&best);
        changes.push_back(results.changes(best.cell, goal));
      }
    }
    if (reported.empty()) {
      continue;
    }
    const auto together =
        max_t(changes, seed, 2000, 0.95, results.units("test"));
    for (std::size_t i = 0; i < reported.size(); ++i) {
      std::vector<std::vector<double>> candidates;
      std::size_t chosen = 0;
      for (const auto& result : results.all()) {
        const auto& cell = result.cell;
        if (cell.row.split == "select" && cell.row.model == goal.model &&
            !cell.is_trial && cell.row.vector == reported[i]->vector) {
          chosen = cell.row.id == reported[i]->select_cell.row.id
                       ? candidates.size()
                       : chosen;
          candidates.push_back(results.changes(cell, goal));
        }
      }
      const auto searched =
          max_t(candidates, seed, 1000, 0.95, results.units("select"));
      list.push_back(
          {{"vector", reported[i]->vector},
           {"goal", goal.name},
           {"searched", reported[i]->num_candidates},
           {"select_value", reported[i]->select_value},
           // After a search the p of those that came through says nothing.
           {"select_adjusted_p", sweep.search.candidates.empty()
                                     ? Json(searched.adjusted_p[chosen])
                                     : Json(nullptr)},
           {"reported", reported.size()},
           {"simultaneous",
            estimate_json(at_least_as_wide(
                together.cells[i],
                results.effect(results.of(reported[i]->cell.row.id), goal)))},
           {"adjusted_p", together.adjusted_p[i]}});
    }
  }
  return list;
}

}  // namespace veer
