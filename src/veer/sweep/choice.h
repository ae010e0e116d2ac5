// SPDX-License-Identifier: MIT
//
// Which configurations a sweep measures once more: chosen on the select
// questions, confirmed on test questions beside random vectors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "veer/run/context.h"
#include "veer/sweep/cell_divergences.h"
#include "veer/sweep/grid.h"
#include "veer/sweep/proofs.h"
#include "veer/sweep/results.h"
#include "veer/sweep/runner.h"

namespace veer {

// A chosen configuration, confirmed on test questions.
struct Best {
  std::string vector;
  Goal goal;
  // "any": best of all operators for the vector; otherwise the best of one
  // class, or of the mixtures ("blend", "part").
  std::string group;
  SweepCell select_cell;
  double select_value = 0.0;
  std::int64_t num_candidates = 0;  // configurations searched on select
  SweepCell cell;                   // the same on test, with more questions
  // Random vectors in the place of the cell, each on a window of its questions:
  // isotropic, and with the stream's covariance.
  std::vector<SweepCell> random;
  std::vector<SweepCell> covariance;
  // The best that each of as many random vectors has after the same search by
  // plain addition, on all questions (sweep.random_search).
  std::vector<SweepCell> random_searched;
  std::vector<SweepCell> covariance_searched;
  std::vector<SweepCell> subsets;  // the same vector from fewer questions
};

// What a person would do instead of adding a vector, on the same questions.
struct Baseline {
  std::string name;  // "system_prompt", "finetune", "adapter"
  Goal goal;
  SweepCell cell;  // on test
  // Adapter: the strengths that it was chosen from, on select.
  std::vector<SweepCell> tried;
  double select_value = 0.0;
};

// What a search that is no grid tried.
struct SearchLog {
  std::vector<SweepCell> candidates;  // none was run as it stands here
  // Of each round, screens first: questions (0 = scored only) and cells.
  struct Round {
    std::int64_t questions = 0;
    std::int64_t cells = 0;
    std::int64_t answers = 0;  // generated; of a screen: questions scored
  };
  std::vector<Round> rounds;
};

// What all parts of sweep.json are made from.
struct Sweep {
  StudyContext& context;
  SweepRunner runner;
  std::vector<CellProof> proofs;
  std::vector<SweepCell> cells;
  std::vector<Best> best;  // group "any" first
  std::vector<Baseline> baselines;
  SearchLog search;
  std::vector<std::int64_t> example_layers;
  CellDivergences divergences;  // of select cells
};

// Test questions that a chosen cell is asked.
std::int64_t asked_of_best(const Sweep& sweep);

// Measures the prices of the select cells that have come.
void measure_prices(Sweep& sweep);

// The select cells of sweep.random_search: every plain addition that was
// searched for a vector, with random vectors in its place. Numbered on.
std::vector<SweepCell> random_search_cells(const Sweep& sweep);

// Every configuration that was compared on the select questions.
std::vector<SweepCell> searched_on_select(const Sweep& sweep);

// One cell of each kind that the sweep will ever run; where a layer is still
// to be chosen, the middle one stands for it.
std::vector<SweepCell> cells_to_prove(const Sweep& sweep);

// The select cells of the lines that wait for a chosen layer, numbered on from
// the sweep's own.
std::vector<SweepCell> chosen_layer_cells(const Sweep& sweep,
                                          const SweepResults& grid);

// Chooses, and appends the confirming cells with their controls.
void choose_best(Sweep& sweep, const SweepResults& results);

}  // namespace veer
