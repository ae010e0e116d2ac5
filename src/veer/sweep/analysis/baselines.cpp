// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/baselines.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace veer {
namespace {

double own_strength(const Goal& goal) {
  return goal.model == "tuned" ? 1.0 : 0.0;
}

// The cell of the system prompts that serves a goal; none without a prompt.
std::optional<SweepCell> prompt_cell(const Sweep& sweep, const Goal& goal) {
  for (const auto& cell : sweep.cells) {
    if (cell.row.vector == kSystemVector && cell.row.model == goal.model) {
      return cell;
    }
  }
  return std::nullopt;
}

// The unsteered cell of the model that a goal is not about, on its first
// `questions` questions.
std::optional<SweepCell> other_model(const Sweep& sweep, const Goal& goal,
                                     std::string_view split,
                                     std::int64_t questions) {
  for (const auto& cell : sweep.cells) {
    if (cell.is_unsteered() && cell.row.model != goal.model &&
        cell.row.split == split) {
      auto first = cell;
      first.num_questions = std::min(questions, cell.num_questions);
      return first;
    }
  }
  return std::nullopt;
}

// Strengths that a goal chooses from: those asked for, and the fine-tune
// itself where it was asked.
std::vector<SweepCell> dial_of(const Sweep& sweep, const Goal& goal) {
  std::vector<SweepCell> dial;
  for (const auto& cell : sweep.cells) {
    if (cell.row.vector == kAdapterVector && cell.row.split == "select" &&
        cell.adapter_strength != own_strength(goal)) {
      dial.push_back(cell);
    }
  }
  if (!dial.empty()) {
    if (auto whole =
            other_model(sweep, goal, "select", dial.front().num_questions)) {
      dial.push_back(std::move(*whole));
    }
  }
  return dial;
}

// The effect of a select cell; NaN where too little text is unbroken.
double effect_on_select(const Sweep& sweep, const SweepResults& results,
                        const SweepCell& cell, const Goal& goal) {
  const auto& unsteered =
      sweep.cells[unsteered_cell(sweep.cells, goal.model, "select")];
  const double least = sweep.context.manifest().sweep.min_coherent;
  return results.pooled({&cell, 1}).summary.coherent.value >= least
             ? results.difference(cell, unsteered, goal).value
             : std::nan("");
}

// The most effective strength; of equal ones that nearest to the goal's model.
std::optional<Baseline> best_strength(const Sweep& sweep,
                                      const SweepResults& results,
                                      const Goal& goal) {
  Baseline best{"adapter", goal, {}, dial_of(sweep, goal), std::nan("")};
  const auto distance = [&](const SweepCell& cell) {
    return std::abs(cell.adapter_strength - own_strength(goal));
  };
  const double sign = results.sign_of(goal);
  for (const auto& cell : best.tried) {
    const double value = effect_on_select(sweep, results, cell, goal);
    if (std::isnan(best.select_value) ||
        sign * value > sign * best.select_value ||
        (value == best.select_value && distance(cell) < distance(best.cell))) {
      best.cell = cell;
      best.select_value = value;
    }
  }
  return std::isnan(best.select_value) ? std::nullopt : std::optional(best);
}

// The test cell of a strength, appended unless it is there.
SweepCell on_test(Sweep& sweep, const SweepCell& chosen, const Goal& goal) {
  if (chosen.is_unsteered()) {
    return *other_model(sweep, goal, "test", asked_of_best(sweep));
  }
  for (const auto& baseline : sweep.baselines) {
    if (baseline.name == "adapter" &&
        baseline.cell.adapter_strength == chosen.adapter_strength) {
      return baseline.cell;
    }
  }
  sweep.cells.push_back(confirming_cell(chosen, std::ssize(sweep.cells),
                                        chosen.row.vector,
                                        asked_of_best(sweep)));
  sweep.cells.back().row.family = chosen.row.family;
  return sweep.cells.back();
}

Json dial_json(const Sweep& sweep, const SweepResults& results,
               const Baseline& baseline) {
  const auto& unsteered =
      sweep.cells[unsteered_cell(sweep.cells, baseline.goal.model, "select")];
  Json list = Json::array();
  for (const auto& cell : baseline.tried) {
    list.push_back({{"strength", cell.adapter_strength},
                    {"cell", cell.row.id},
                    {"effect", estimate_json(results.difference(
                                   cell, unsteered, baseline.goal))},
                    {"coherent",
                     estimate_json(results.of(cell.row.id).summary.coherent)}});
  }
  return list;
}

// Vectors minus the baseline on the questions that both were asked.
Json differences_json(const Sweep& sweep, const SweepResults& results,
                      const Baseline& baseline) {
  Json list = Json::array();
  for (const auto& best : sweep.best) {
    if (best.goal.name != baseline.goal.name ||
        (best.group != "any" && best.group != "linear")) {
      continue;
    }
    list.push_back(
        {{"vector", best.vector},
         {"group", best.group},
         {"cell", best.cell.row.id},
         {"difference", estimate_json(results.difference(
                            best.cell, baseline.cell, baseline.goal))}});
  }
  return list;
}

Json baseline_json(const Sweep& sweep, const SweepResults& results,
                   const SideMeasures& measures, const Baseline& baseline) {
  const auto& goal = baseline.goal;
  const auto result = results.pooled({&baseline.cell, 1});
  const auto& unsteered =
      results.all()[unsteered_cell(sweep.cells, goal.model, "test")];
  const bool is_dial = baseline.name == "adapter";
  return {{"name", baseline.name},
          {"goal", goal.name},
          {"model", goal.model},
          {"cell", baseline.cell.row.id},
          {"strength", baseline.name == "system_prompt"
                           ? Json(nullptr)
                           : Json(baseline.cell.adapter_strength)},
          {"measure", results.measure(goal)},
          {"chosen_on", is_dial ? Json("select") : Json(nullptr)},
          {"select_value",
           is_dial ? number_or_null(baseline.select_value) : Json(nullptr)},
          {"tried", dial_json(sweep, results, baseline)},
          {"baseline", estimate_json(results.share(unsteered, goal))},
          {"effect", estimate_json(results.difference(baseline.cell,
                                                      unsteered.cell, goal))},
          {"share", estimate_json(results.share(result, goal))},
          {"coherent", estimate_json(result.summary.coherent)},
          {"divergence", measures.divergence_json(baseline.cell, goal)},
          {"specificity", measures.specificity_json(baseline.cell, goal)},
          {"anti_steerable", measures.anti_steerable_json(baseline.cell, goal)},
          {"differences", differences_json(sweep, results, baseline)}};
}

}  // namespace

void choose_baselines(Sweep& sweep, const SweepResults& results) {
  for (const auto& goal : goals(sweep.context.manifest().sweep)) {
    if (auto prompt = prompt_cell(sweep, goal)) {
      sweep.baselines.push_back({"system_prompt", goal, std::move(*prompt)});
    }
    if (auto other = other_model(sweep, goal, "test", asked_of_best(sweep))) {
      sweep.baselines.push_back({"finetune", goal, std::move(*other)});
    }
    if (auto dial = best_strength(sweep, results, goal)) {
      dial->cell = on_test(sweep, dial->cell, goal);
      sweep.baselines.push_back(std::move(*dial));
    }
  }
}

Json baselines_json(const Sweep& sweep, const SweepResults& results,
                    const SideMeasures& measures) {
  Json list = Json::array();
  for (const auto& baseline : sweep.baselines) {
    list.push_back(baseline_json(sweep, results, measures, baseline));
  }
  return list;
}

}  // namespace veer
