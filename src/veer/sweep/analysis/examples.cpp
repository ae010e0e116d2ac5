// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/examples.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/results/vector_name.h"

namespace veer {
namespace {

Json answer_json(const AnswerRow& row) {
  return {{"text", row.text}, {"label", row.label}};
}

// The best induction with the primary contrastive vector decides about vector
// and scale of the examples.
const Best* example_best(const Sweep& sweep) {
  const auto primary = primary_pair(sweep.runner.size().vectors);
  const Best* any = nullptr;
  for (const auto& best : sweep.best) {
    if (best.goal.name != "induction" || best.group != "any") {
      continue;
    }
    if (best.vector == primary.first) {
      return &best;
    }
    any = any == nullptr ? &best : any;
  }
  return any;
}

std::vector<const SweepCell*> example_cells(const Sweep& sweep) {
  std::vector<const SweepCell*> columns;
  const Best* best = example_best(sweep);
  if (best == nullptr) {
    return columns;
  }
  for (const auto layer : sweep.example_layers) {
    for (const auto& cell : sweep.cells) {
      if (cell.row.vector == best->vector && cell.row.split == "test" &&
          cell.row.model == "base" && cell.layer() == layer &&
          cell.row.operation == best->cell.row.operation &&
          cell.row.unit == best->cell.row.unit &&
          cell.row.scale == best->cell.row.scale) {
        columns.push_back(&cell);
        break;
      }
    }
  }
  return columns;
}

}  // namespace

Json examples_json(const Sweep& sweep, const SweepResults& results) {
  const auto cells = example_cells(sweep);
  if (cells.empty()) {
    return {{"columns", Json::array()}, {"rows", Json::array()}};
  }
  Json columns = Json::array();
  std::int64_t questions = sweep.context.manifest().report.example_questions;
  for (const auto* cell : cells) {
    columns.push_back(
        {{"cell", cell->row.id},
         {"title", fmt::format("layer {}, {:+g} {}", cell->row.layers,
                               cell->signed_scale(), cell->row.unit)}});
    questions = std::min(questions, cell->num_questions);
  }
  const auto plain =
      static_cast<std::int64_t>(unsteered_cell(sweep.cells, "base", "test"));
  Json rows = Json::array();
  for (std::int64_t q = 0; q < questions; ++q) {
    Json steered = Json::array();
    for (const auto* cell : cells) {
      steered.push_back(answer_json(results.answer(cell->row.id, q)));
    }
    const auto& record =
        sweep.runner.questions("test")[static_cast<std::size_t>(q)];
    rows.push_back({{"question", record.question},
                    {"plain", answer_json(results.answer(plain, q))},
                    {"steered", steered}});
  }
  return {{"model", "base"},
          {"vector", cells.front()->row.vector},
          {"columns", columns},
          {"rows", rows}};
}

Json answers_json(const Sweep& sweep, const SweepResults& results) {
  std::set<std::int64_t> shown;
  for (const auto& cell : sweep.cells) {
    const bool bare = cell.is_unsteered() || cell.row.family == "control" ||
                      cell.row.family == "ceiling";
    if (bare && cell.row.split == "test") {
      shown.insert(cell.row.id);
    }
  }
  for (const auto& best : sweep.best) {
    shown.insert(best.cell.row.id);
    for (const auto* controls : {&best.random, &best.covariance}) {
      if (!controls->empty()) {
        shown.insert(controls->front().row.id);
      }
    }
  }
  for (const auto* cell : example_cells(sweep)) {
    shown.insert(cell->row.id);
  }
  Json list = Json::array();
  for (const auto id : shown) {
    const auto count = sweep.cells[static_cast<std::size_t>(id)].num_questions;
    for (std::int64_t q = 0; q < count; ++q) {
      const auto& row = results.answer(id, q);
      list.push_back({{"cell", row.cell},
                      {"question", row.question},
                      {"text", row.text},
                      {"label", row.label},
                      {"score", number_or_null(row.score)},
                      {"note", row.note}});
    }
  }
  return list;
}

}  // namespace veer
