// SPDX-License-Identifier: MIT
#include "veer/study/cell_divergences.h"

#include <limits>
#include <vector>

#include <fmt/core.h>

namespace veer {
namespace {

std::string action_of(const SweepCell& cell) {
  const auto& row = cell.row;
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", row.vector, row.model,
                     row.operation, row.unit, row.scale, row.layers,
                     cell.act.scope, cell.act.site, cell.act.threshold,
                     cell.act.steepness);
}

}  // namespace

CellDivergences::CellDivergences(Sweep& sweep) {
  const auto questions = sweep.context.manifest().sweep.kl_questions;
  if (questions == 0) {
    return;
  }
  for (const auto& goal : goals(sweep.context.manifest().sweep)) {
    std::vector<const SweepCell*> cells;
    for (const auto& cell : sweep.cells) {
      if (cell.row.split == "select" && cell.row.model == goal.model &&
          cell.has_intervention() && !cell.is_random()) {
        cells.push_back(&cell);
      }
    }
    const auto measured =
        sweep.runner.divergences(cells, goal.model, questions);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      summaries_[action_of(*cells[i])] = measured[i];
    }
  }
}

const DivergenceSummary* CellDivergences::of(const SweepCell& cell) const {
  const auto found = summaries_.find(action_of(cell));
  return found == summaries_.end() ? nullptr : &found->second;
}

double p95_of(const CellDivergences& divergences, const SweepCell& cell) {
  const auto* summary = divergences.of(cell);
  return summary == nullptr ? std::numeric_limits<double>::quiet_NaN()
                            : summary->p95;
}

}  // namespace veer
