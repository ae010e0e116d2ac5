// SPDX-License-Identifier: MIT
//
// The grid of a sweep as a list of numbered cells. The numbers follow from
// the settings alone, so an interrupted sweep finds its place again. No torch
// in this file.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/run/run_store.h"
#include "veer/settings/grid_line.h"
#include "veer/settings/intervention_text.h"
#include "veer/settings/manifest.h"

namespace veer {

// One configuration on one model and split.
struct SweepCell {
  CellRow row;
  InterventionText act;  // what acts, unless the cell is a plain or a dial one
  std::string second;    // rotate: the plane's other vector
  std::string system;    // system prompt before the question
  double adapter_strength = 0.0;
  // Asked are `num_questions` of the split from `first_question` on.
  std::int64_t first_question = 0;
  std::int64_t num_questions = 0;
  // The random cell of the same displacement; -1 = none.
  std::int64_t control = -1;
  // The select cell whose place this one takes again on test: its
  // confirmation, and random or smaller vectors beside that; -1 = none.
  std::int64_t confirms = -1;
  // Of an early round of a search: asked too little to be chosen from.
  bool is_trial = false;

  bool is_unsteered() const { return row.vector.empty(); }
  bool is_random() const { return row.family == "random"; }
  // Whether `act` acts (a vector or a patch).
  bool has_intervention() const { return row.operation == act.operation; }
  // -1 unless a single layer acts.
  std::int64_t layer() const;
  // Negative for subtract.
  double signed_scale() const;
  // A cell that copies states takes them from the other model.
  double donor_strength() const { return 1.0 - adapter_strength; }
};

// What the grid is made of besides the settings.
struct SweepSize {
  std::vector<std::string> vectors;  // names, without the random ones
  std::int64_t num_layers = 0;
  std::int64_t num_test = 0;  // questions that there are
  std::int64_t num_select = 0;
  // System prompts of the two sides, for their control; empty = none.
  std::string deceptive_prompt;
  std::string honest_prompt;
  // Layers where a vector has no direction (trained at some layers only):
  // choices of layers that need one there are left out.
  std::map<std::string, std::set<std::int64_t>> no_direction;
  // Vectors without the questions' rows behind them: operators that need class
  // means or subspaces of them are left out.
  std::set<std::string> no_rows;
  // Questions of which a vector is the mean difference; absent when it is
  // made otherwise.
  std::map<std::string, std::int64_t> mean_of;
};

// Names of what stands in `vector` of a cell without a vector of its own.
inline constexpr std::string_view kPatchVector = "patch";
inline constexpr std::string_view kSystemVector = "system_prompt";
inline constexpr std::string_view kAdapterVector = "adapter";

// Cells in this order: unsteered ones (all questions that any cell needs),
// test cells of all vectors and of the random ones (one for all vectors where
// the displacement is the same for all, else one for each), select cells of all
// vectors (only those that may serve: add on the base model, subtract on the
// tuned one, the others on both), then the controls that need no vector: the
// other model's own states per layer, the system prompts, the adapter's
// strengths (on select). With sweep.search = "halving" the test and select
// cells of vectors are left out. Throws Error on a layer out of range.
std::vector<SweepCell> sweep_grid(const SweepSettings& settings,
                                  const SweepSize& size);

// The select cells of that grid alone, numbered from 0: what a search starts
// from.
std::vector<SweepCell> searched_cells(const SweepSettings& settings,
                                      const SweepSize& size);

// Select cells of the lines of sweep.grid that wait for a chosen layer, for
// one vector and model; numbered from `first_id`.
std::vector<SweepCell> chosen_layer_cells(const SweepSettings& settings,
                                          const SweepSize& size,
                                          const std::string& vector,
                                          const std::string& model,
                                          const std::string& layers,
                                          std::int64_t first_id);

// Vectors that lines of sweep.grid name and the sweep does not: mixtures.
std::vector<std::string> grid_mixtures(const SweepSettings& settings,
                                       const SweepSize& size);

// The layers of the report's example table: those asked for, or four spread
// over the depth of the model. Throws Error on a layer out of range and on a
// choice of several.
std::vector<std::int64_t> example_layers(const ReportSettings& settings,
                                         std::int64_t num_layers);

// A cell like `cell` on `num_questions` test questions from `first_question` on
// under another number, steered by `vector`.
SweepCell confirming_cell(const SweepCell& cell, std::int64_t id,
                          const std::string& vector, std::int64_t num_questions,
                          std::int64_t first_question = 0);

// A select cell like `cell` under another number, steered by `vector`.
SweepCell select_cell_with(const SweepCell& cell, std::int64_t id,
                           const std::string& vector);

// Starts of the windows of `size` questions that together cover all `total`:
// each of many random vectors is asked one window.
std::vector<std::int64_t> question_windows(std::int64_t total,
                                           std::int64_t size);

// A cell like `cell` on its first `num_questions` questions under another
// number; a trial unless those are all.
SweepCell trial_cell(const SweepCell& cell, std::int64_t id,
                     std::int64_t num_questions);

// Index of the unsteered cell of a model and split.
std::size_t unsteered_cell(std::span<const SweepCell> cells,
                           std::string_view model, std::string_view split);

}  // namespace veer
