// SPDX-License-Identifier: MIT
#include "veer/study/sweep_choice.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/core.h>

#include "veer/interventions/operators.h"
#include "veer/study/vector_names.h"

namespace veer {
namespace {

using Wanted = std::function<bool(const SweepCell&)>;

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
  const auto* chosen = grid.chosen(
      goal, [&](const SweepCell& cell) { return cell.row.vector == source; });
  return chosen == nullptr ? "" : chosen->cell.row.layers;
}

// Cells like the chosen one with other vectors, named "NAME|VECTOR".
std::vector<SweepCell> cells_with(Sweep& sweep, const SweepCell& chosen,
                                  std::span<const std::string> names,
                                  std::int64_t asked) {
  std::vector<SweepCell> cells;
  for (const auto& name : names) {
    cells.push_back(
        confirming_cell(chosen, std::ssize(sweep.cells),
                        fmt::format("{}|{}", name, chosen.row.vector), asked));
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

bool is_of_pair(const Sweep& sweep, const std::string& vector) {
  const auto pair = primary_pair(sweep.runner.size().vectors);
  return vector == pair.first || vector == pair.second;
}

// Random vectors in the place of a chosen cell; those of another choice that
// came to the same cell serve for both.
void add_controls(Sweep& sweep, Best& best, std::int64_t asked_of_chosen) {
  for (const auto& other : sweep.best) {
    if (other.cell.row.id == best.cell.row.id && !other.random.empty()) {
      best.random = other.random;
      best.covariance = other.covariance;
      return;
    }
  }
  const auto& settings = sweep.context.manifest().sweep;
  const std::int64_t few =
      settings.random_questions == 0
          ? asked_of_chosen
          : std::min(settings.random_questions, asked_of_chosen);
  const auto controls = [&](bool covariance, std::int64_t count) {
    const auto names = random_names(covariance, count);
    const auto full = std::span(names).first(
        std::min(names.size(), static_cast<std::size_t>(settings.random_full)));
    auto cells = cells_with(sweep, best.select_cell, full, asked_of_chosen);
    for (auto& cell : cells_with(sweep, best.select_cell,
                                 std::span(names).subspan(full.size()), few)) {
      cells.push_back(std::move(cell));
    }
    return cells;
  };
  best.random = controls(/*covariance=*/false, settings.best_random);
  best.covariance = controls(/*covariance=*/true, settings.best_covariance);
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

void add_best(Sweep& sweep, const SweepResults& results,
              const std::string& vector, const Goal& goal,
              const std::string& group, const Wanted& wanted) {
  const auto* chosen = results.chosen(goal, wanted);
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
  // Claims about a direction itself rest on plain addition.
  const bool is_addition = group == "linear" && is_of_pair(sweep, best.vector);
  if (group == "any" || is_addition) {
    add_controls(sweep, best, asked);
  }
  if (is_addition) {
    best.subsets = cells_with(sweep, best.select_cell,
                              subset_names(sweep, best.vector), asked);
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

std::string operator_class(const std::string& operation) {
  const auto& row = find_operator(operation);
  switch (row.need) {
    case OperatorNeed::kNegativeMean:
    case OperatorNeed::kPositiveMean:
    case OperatorNeed::kReadDirection:
    case OperatorNeed::kLowRank:
    case OperatorNeed::kSubspace:
      return "learned";
    default:
      break;
  }
  if (row.id == "O1") {
    return "linear";
  }
  for (const char* own : {"O6", "O7"}) {
    if (row.id == own) {
      return "projection";
    }
  }
  return "nonlinear";
}

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
      for (const char* group : kOperatorClasses) {
        add_best(sweep, results, vector, goal, group,
                 [&](const SweepCell& cell) {
                   return cell.row.vector == vector &&
                          operator_class(cell.row.operation) == group;
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
