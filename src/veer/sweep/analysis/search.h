// SPDX-License-Identifier: MIT
//
// Looking for the best cell without running them all: a screen by
// log-probability, then rounds of successive halving (metrics/halving.h)
// within each vector and model, over layers, scales and operators.
#pragma once

#include <vector>

#include "veer/base/json.h"
#include "veer/sweep/choice.h"
#include "veer/sweep/results.h"

namespace veer {

// Runs the cells that have come since `first` and sums them up.
void run_from(Sweep& sweep, std::size_t first, SweepResults& results);

// Appends the cells and runs all of them.
void add_cells(Sweep& sweep, SweepResults& results,
               std::vector<SweepCell> cells);

// Searches among select cells, none of which is in the sweep yet. The cells
// that the rounds ran are appended: trials, and those that were asked all.
void search_cells(Sweep& sweep, SweepResults& results,
                  std::vector<SweepCell> candidates);

// "search": the rounds, and what the grid would have asked; null for a grid.
Json search_json(const Sweep& sweep);

}  // namespace veer
