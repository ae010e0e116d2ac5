// SPDX-License-Identifier: MIT
//
// Proof of application of a sweep's cells, before any of them answers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "veer/interventions/proof.h"
#include "veer/run/context.h"
#include "veer/sweep/grid.h"
#include "veer/sweep/runner.h"

namespace veer {

// One kind of cell and what its probe showed.
struct CellProof {
  CellRow row;
  std::string scope;
  ApplicationProof proof;
};

// Runs a probe text under one cell of each kind (operator, unit, tokens, kind
// of layers, model, random control or not) and compares every hidden state with
// the formula. A cell that takes the probe beyond what the model's dtype can
// hold proves nothing: the next one of its kind is tried, and a kind of which
// all do is told to the monitor and has no proof. Throws Error{kFailed} naming
// the cell when the model did something else.
std::vector<CellProof> prove_cells(StudyContext& context, SweepRunner& runner,
                                   std::span<const SweepCell> cells);

}  // namespace veer
