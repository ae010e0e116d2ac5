// SPDX-License-Identifier: MIT
#include "veer/sweep/choice.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/core.h>

#include "veer/interventions/operators.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

constexpr const char* kKeepsNorm = "add_keep_norm";

using Wanted = std::function<bool(const SweepCell&)>;

const CellResult* chosen_cell(const Sweep& sweep, const SweepResults& results,
                              const Goal& goal, const Wanted& wanted) {
  return results.chosen(goal, wanted, sweep.divergences);
}

// The layers that the select questions chose for a vector, or for the
// contrastive vector where it is a mixture; empty if none were.
std::string chosen_layers(const Sweep& sweep, const SweepResults& grid,
                          const std::string& vector, const Goal& goal) {
  const auto& vectors = sweep.runner.size().vectors;
  const bool own =
      std::find(vectors.begin(), vectors.end(), vector) != vectors.end();
  const auto pair = primary_pair(vectors);
  const std::string source = own                  ? vector
                             : pair.first.empty() ? vectors.front()
                                                  : pair.first;
  const auto* chosen = chosen_cell(
      sweep, grid, goal,
      [&](const SweepCell& cell) { return cell.row.vector == source; });
  return chosen == nullptr ? "" : chosen->cell.row.layers;
}

// Cells like the chosen one with other vectors, named "NAME|VECTOR". They share
// the `asked` questions out in windows of `each`.
std::vector<SweepCell> cells_with(Sweep& sweep, const SweepCell& chosen,
                                  std::span<const std::string> names,
                                  std::int64_t asked, std::int64_t each) {
  const auto starts = question_windows(asked, each);
  std::vector<SweepCell> cells;
  for (std::size_t i = 0; i < names.size(); ++i) {
    cells.push_back(confirming_cell(chosen, std::ssize(sweep.cells),
                                    name_in_place(names[i], chosen.row.vector),
                                    each, starts[i % starts.size()]));
    sweep.cells.push_back(cells.back());
  }
  return cells;
}

std::vector<std::string> random_names(bool covariance, std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 1; i <= count; ++i) {
    names.push_back(random_name(i, covariance));
  }
  return names;
}

std::vector<std::string> subset_names(const Sweep& sweep,
                                      const std::string& vector) {
  const auto& settings = sweep.context.manifest().sweep;
  const auto& mean_of = sweep.runner.size().mean_of;
  const auto whole = mean_of.find(vector);
  std::vector<std::string> names;
  if (settings.subset_questions == 0 || whole == mean_of.end() ||
      whole->second <= settings.subset_questions) {
    return names;
  }
  for (std::int64_t i = 1; i <= settings.best_subsets; ++i) {
    names.push_back(fmt::format("subset-{}-{}", settings.subset_questions, i));
  }
  return names;
}

// The random vectors of another choice that came to the same cell.
bool share_controls(const Sweep& sweep, Best& best) {
  for (const auto& other : sweep.best) {
    if (other.cell.row.id == best.cell.row.id && !other.random.empty()) {
      best.random = other.random;
      best.covariance = other.covariance;
      return true;
    }
  }
  return false;
}

void add_controls(Sweep& sweep, Best& best, std::int64_t asked_of_chosen) {
  const auto& settings = sweep.context.manifest().sweep;
  const std::int64_t each =
      settings.random_questions == 0
          ? asked_of_chosen
          : std::min(settings.random_questions, asked_of_chosen);
  best.random =
      cells_with(sweep, best.select_cell,
                 random_names(/*covariance=*/false, settings.best_random),
                 asked_of_chosen, each);
  best.covariance =
      cells_with(sweep, best.select_cell,
                 random_names(/*covariance=*/true, settings.best_covariance),
                 asked_of_chosen, each);
}

// What each of the random vectors that were searched came to, confirmed; those
// of another choice of the vector serve for both.
void add_searched(Sweep& sweep, const SweepResults& results, Best& best,
                  std::int64_t asked) {
  for (const auto& other : sweep.best) {
    if (other.vector == best.vector && other.goal.name == best.goal.name &&
        !other.random_searched.empty()) {
      best.random_searched = other.random_searched;
      best.covariance_searched = other.covariance_searched;
      return;
    }
  }
  const auto count = sweep.context.manifest().sweep.random_search;
  for (const bool covariance : {false, true}) {
    auto& list = covariance ? best.covariance_searched : best.random_searched;
    for (const auto& name : random_names(covariance, count)) {
      const auto vector = name_in_place(name, best.vector);
      const auto* chosen = chosen_cell(
          sweep, results, best.goal,
          [&](const SweepCell& cell) { return cell.row.vector == vector; });
      if (chosen != nullptr) {
        list.push_back(confirming_cell(chosen->cell, std::ssize(sweep.cells),
                                       vector, asked));
        sweep.cells.push_back(list.back());
      }
    }
  }
}

// The cell that confirms `chosen` on test; one that is there already is not
// asked again.
SweepCell confirmation(Sweep& sweep, const SweepCell& chosen,
                       std::int64_t asked) {
  auto cell = confirming_cell(chosen, std::ssize(sweep.cells),
                              chosen.row.vector, asked);
  for (const auto& best : sweep.best) {
    if (best.cell.row.configuration == cell.row.configuration &&
        best.cell.row.model == cell.row.model) {
      return best.cell;
    }
  }
  sweep.cells.push_back(cell);
  return cell;
}

// The addition that was chosen with the states' norm restored behind it, on the
// same questions: whether the norm matters. Only where the sweep tries that
// operator at all.
void add_norm_kept(Sweep& sweep, const Best& best, std::int64_t asked) {
  const bool tried = std::ranges::any_of(
      sweep.cells,
      [](const SweepCell& cell) { return cell.row.operation == kKeepsNorm; });
  if (tried && best.cell.row.operation == "add") {
    auto chosen = best.select_cell;
    chosen.row.operation = kKeepsNorm;
    chosen.act.operation = kKeepsNorm;
    confirmation(sweep, chosen, asked);
  }
}

void add_best(Sweep& sweep, const SweepResults& results,
              const std::string& vector, const Goal& goal,
              const std::string& group, const Wanted& wanted) {
  const auto* chosen = chosen_cell(sweep, results, goal, wanted);
  if (chosen == nullptr) {
    return;
  }
  const auto asked = asked_of_best(sweep);
  Best best;
  best.vector = vector.empty() ? chosen->cell.row.vector : vector;
  best.goal = goal;
  best.group = group;
  best.select_cell = chosen->cell;
  best.select_value = results.effect(*chosen, goal).value;
  best.num_candidates = std::ranges::count_if(
      searched_on_select(sweep), [&](const SweepCell& cell) {
        return cell.row.model == goal.model && wanted(cell);
      });
  best.cell = confirmation(sweep, chosen->cell, asked);
  if (!share_controls(sweep, best)) {
    add_controls(sweep, best, asked);
  }
  if (group == "any" || group == "linear") {
    add_searched(sweep, results, best, asked);
  }
  if (group == "linear") {
    best.subsets = cells_with(sweep, best.select_cell,
                              subset_names(sweep, best.vector), asked, asked);
    add_norm_kept(sweep, best, asked);
  }
  sweep.best.push_back(std::move(best));
}

bool starts_with_any(const std::string& name,
                     std::initializer_list<std::string_view> starts) {
  return std::ranges::any_of(
      starts, [&](std::string_view start) { return name.starts_with(start); });
}

}  // namespace

std::int64_t asked_of_best(const Sweep& sweep) {
  const auto wanted = sweep.context.manifest().sweep.best_questions;
  const std::int64_t available = sweep.runner.size().num_test;
  return wanted == 0 ? available : std::min(wanted, available);
}

void measure_prices(Sweep& sweep) {
  const auto questions = sweep.context.manifest().sweep.kl_questions;
  for (const bool random : {false, true}) {
    sweep.divergences.extend(sweep.runner, questions, sweep.cells, random);
  }
}

std::vector<SweepCell> random_search_cells(const Sweep& sweep) {
  const auto count = sweep.context.manifest().sweep.random_search;
  std::vector<SweepCell> cells;
  for (const auto& cell : sweep.cells) {
    const auto& vectors = sweep.runner.size().vectors;
    if (cell.row.split != "select" || cell.is_unsteered() ||
        std::ranges::find(vectors, cell.row.vector) == vectors.end() ||
        operator_group(cell.row.operation) != "linear") {
      continue;
    }
    for (const bool covariance : {false, true}) {
      for (const auto& name : random_names(covariance, count)) {
        cells.push_back(
            select_cell_with(cell, std::ssize(sweep.cells) + std::ssize(cells),
                             name_in_place(name, cell.row.vector)));
      }
    }
  }
  return cells;
}

std::vector<SweepCell> searched_on_select(const Sweep& sweep) {
  if (sweep.context.manifest().sweep.search != "grid") {
    return sweep.search.candidates;
  }
  std::vector<SweepCell> cells;
  std::ranges::copy_if(
      sweep.cells, std::back_inserter(cells), [](const SweepCell& cell) {
        return cell.row.split == "select" && cell.has_intervention();
      });
  return cells;
}

namespace {

// Of each operator the control of its first cell: what runs beside chosen ones.
void add_controls_to_prove(std::vector<SweepCell>& cells) {
  std::set<std::string> seen;
  const auto count = cells.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto cell = cells[i];
    const bool has_control = cell.has_intervention() && !cell.is_random() &&
                             cell.row.vector != kPatchVector;
    if (has_control && seen.insert(cell.row.operation).second) {
      cells.push_back(
          select_cell_with(cell, std::ssize(cells),
                           name_in_place(random_name(1), cell.row.vector)));
    }
  }
}

}  // namespace

std::vector<SweepCell> cells_to_prove(const Sweep& sweep) {
  auto cells = sweep.cells;
  const auto& settings = sweep.context.manifest().sweep;
  const auto& size = sweep.runner.size();
  if (settings.search != "grid") {
    const auto searched = searched_cells(settings, size);
    cells.insert(cells.end(), searched.begin(), searched.end());
  }
  auto vectors = size.vectors;
  const auto mixtures = grid_mixtures(settings, size);
  vectors.insert(vectors.end(), mixtures.begin(), mixtures.end());
  const std::string middle = fmt::format("{}", size.num_layers / 2);
  for (const auto& vector : vectors) {
    for (const auto& goal : goals(settings)) {
      const auto more = chosen_layer_cells(settings, size, vector, goal.model,
                                           middle, std::ssize(cells));
      cells.insert(cells.end(), more.begin(), more.end());
    }
  }
  add_controls_to_prove(cells);
  return cells;
}

std::vector<SweepCell> chosen_layer_cells(const Sweep& sweep,
                                          const SweepResults& grid) {
  std::vector<SweepCell> cells;
  const auto& settings = sweep.context.manifest().sweep;
  const auto& size = sweep.runner.size();
  auto vectors = size.vectors;
  const auto mixtures = grid_mixtures(settings, size);
  vectors.insert(vectors.end(), mixtures.begin(), mixtures.end());
  for (const auto& vector : vectors) {
    for (const auto& goal : goals(settings)) {
      const auto layers = chosen_layers(sweep, grid, vector, goal);
      if (!layers.empty()) {
        const auto more =
            chosen_layer_cells(settings, size, vector, goal.model, layers,
                               std::ssize(sweep.cells) + std::ssize(cells));
        cells.insert(cells.end(), more.begin(), more.end());
      }
    }
  }
  return cells;
}

void choose_best(Sweep& sweep, const SweepResults& results) {
  const auto goal_list = goals(sweep.context.manifest().sweep);
  const auto vectors = sweep.runner.size().vectors;
  for (const auto& vector : vectors) {
    for (const auto& goal : goal_list) {
      add_best(sweep, results, vector, goal, "any", [&](const SweepCell& cell) {
        return cell.row.vector == vector;
      });
    }
  }
  for (const auto& vector : vectors) {
    for (const auto& goal : goal_list) {
      for (const auto group : kOperatorGroups) {
        add_best(sweep, results, vector, goal, std::string(group),
                 [&](const SweepCell& cell) {
                   return cell.row.vector == vector &&
                          operator_group(cell.row.operation) == group;
                 });
      }
    }
  }
  for (const auto& goal : goal_list) {
    add_best(sweep, results, "", goal, "blend", [](const SweepCell& cell) {
      return starts_with_any(cell.row.vector, {"blend:"});
    });
    std::set<std::string> parts;
    for (const auto& cell : sweep.cells) {
      if (starts_with_any(cell.row.vector, {"common:", "private:"})) {
        parts.insert(cell.row.vector);
      }
    }
    for (const auto& part : parts) {
      add_best(sweep, results, part, goal, "part",
               [&](const SweepCell& cell) { return cell.row.vector == part; });
    }
  }
}

}  // namespace veer
