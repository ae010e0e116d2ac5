// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/search.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include <nlohmann/json.hpp>

#include "veer/metrics/halving.h"

namespace veer {
namespace {

std::int64_t answers_of(std::span<const SweepCell> cells) {
  std::int64_t total = 0;
  for (const auto& cell : cells) {
    total += cell.num_questions;
  }
  return total;
}

std::vector<Arms> groups_of(std::span<const SweepCell> cells) {
  std::map<std::pair<std::string, std::string>, Arms> groups;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    groups[{cells[i].row.vector, cells[i].row.model}].push_back(i);
  }
  std::vector<Arms> list;
  for (auto& [key, arms] : groups) {
    list.push_back(std::move(arms));
  }
  return list;
}

Goal goal_of(const Sweep& sweep, const std::string& model) {
  const auto list = goals(sweep.context.manifest().sweep);
  return *std::ranges::find(list, model, &Goal::model);
}

// What the screen thinks of each cell: larger is better for its goal.
std::vector<double> screen(Sweep& sweep, std::span<const SweepCell> cells,
                           std::int64_t questions) {
  const auto propensities =
      sweep.runner.propensities(cells, questions, "sweep: screen");
  std::vector<double> values;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double sum =
        std::accumulate(propensities[i].begin(), propensities[i].end(), 0.0);
    values.push_back((cells[i].row.model == "tuned" ? -1.0 : 1.0) * sum /
                     static_cast<double>(questions));
  }
  sweep.search.rounds.push_back(
      {0, std::ssize(cells), questions * std::ssize(cells)});
  return values;
}

// One round: the candidates `arms` answer their first `questions` questions.
std::vector<double> run_round(Sweep& sweep, SweepResults& results,
                              std::span<const SweepCell> candidates,
                              std::span<const std::size_t> arms,
                              std::int64_t questions) {
  std::vector<SweepCell> cells;
  for (const auto arm : arms) {
    cells.push_back(trial_cell(candidates[arm],
                               std::ssize(sweep.cells) + std::ssize(cells),
                               questions));
  }
  sweep.search.rounds.push_back(
      {questions, std::ssize(cells), answers_of(cells)});
  const auto first = sweep.cells.size();
  add_cells(sweep, results, std::move(cells));
  std::vector<double> values;
  for (std::size_t i = first; i < sweep.cells.size(); ++i) {
    const auto& result = results.all()[i];
    values.push_back(
        results.gain(result, goal_of(sweep, result.cell.row.model)));
  }
  return values;
}

}  // namespace

void run_from(Sweep& sweep, std::size_t first, SweepResults& results) {
  const auto fresh = std::span<const SweepCell>(sweep.cells).subspan(first);
  sweep.runner.run(fresh);
  results.extend(fresh);
}

void add_cells(Sweep& sweep, SweepResults& results,
               std::vector<SweepCell> cells) {
  const auto first = sweep.cells.size();
  std::ranges::move(cells, std::back_inserter(sweep.cells));
  run_from(sweep, first, results);
}

void search_cells(Sweep& sweep, SweepResults& results,
                  std::vector<SweepCell> candidates) {
  if (candidates.empty()) {
    return;
  }
  const auto questions = candidates.front().num_questions;
  const auto screened =
      screen(sweep, candidates, halving_questions(questions).front());
  halve(groups_of(candidates), screened, questions,
        [&](std::span<const std::size_t> arms, std::int64_t asked) {
          return run_round(sweep, results, candidates, arms, asked);
        });
  std::ranges::move(candidates, std::back_inserter(sweep.search.candidates));
}

Json search_json(const Sweep& sweep) {
  const auto& settings = sweep.context.manifest().sweep;
  if (settings.search == "grid") {
    return nullptr;
  }
  Json rounds = Json::array();
  std::int64_t generated = 0;
  std::int64_t scored = 0;
  for (const auto& round : sweep.search.rounds) {
    rounds.push_back({{"kind", round.questions == 0 ? "screen" : "answers"},
                      {"questions", round.questions},
                      {"cells", round.cells},
                      {"answers", round.answers}});
    (round.questions == 0 ? scored : generated) += round.answers;
  }
  auto grid = settings;
  grid.search = "grid";
  std::int64_t map_cells = 0;
  std::int64_t map_answers = 0;
  for (const auto& cell : sweep_grid(grid, sweep.runner.size())) {
    const bool in_map = cell.row.split == "test" && cell.has_intervention() &&
                        cell.row.vector != kPatchVector;
    map_cells += in_map ? 1 : 0;
    map_answers += in_map ? cell.num_questions : 0;
  }
  return {{"kind", settings.search},
          {"rounds", rounds},
          {"candidates", sweep.search.candidates.size()},
          {"generated", generated},
          {"scored", scored},
          {"grid_answers", answers_of(sweep.search.candidates)},
          {"map_cells", map_cells},
          {"map_answers", map_answers}};
}

}  // namespace veer
