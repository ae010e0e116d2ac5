// SPDX-License-Identifier: MIT
//
// Ladders of scales: what a growing amount of a vector does at one place, and
// where the text breaks. Parts of sweep.json: docs/formats/run_folder.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/metrics/breakdown.h"
#include "veer/sweep/cell_divergences.h"
#include "veer/sweep/choice.h"

namespace veer {

// One vector, model, layer choice and operator over rising scales of unit rel,
// on test questions.
struct Ladder {
  std::string vector;
  std::string model;
  std::string layers;
  std::string operation;
  std::vector<const CellResult*> rungs;
};
std::vector<Ladder> ladders_of(const SweepResults& results);

// The goal that an operator's sign can serve on a model.
std::optional<Goal> goal_of(const Ladder& ladder);

// The change of one question per entry at a displacement (in residual norms)
// or at a divergence (95th percentile, nats), by interpolation between the
// rungs of a ladder; empty where the ladder does not reach it.
struct LadderPoint {
  double scale = 0.0;
  double divergence = 0.0;  // NaN = not measured
  std::vector<double> changes;
  double coherent = 0.0;
};
LadderPoint at_scale(const Ladder& ladder, double scale, const Goal& goal,
                     const SweepResults& results,
                     const CellDivergences& divergences);
LadderPoint at_divergence(const Ladder& ladder, double divergence,
                          const Goal& goal, const SweepResults& results,
                          const CellDivergences& divergences);
// A rung as a point, or the unsteered model (scale 0) for index -1.
LadderPoint rung_point(const Ladder& ladder, std::int64_t index,
                       const Goal& goal, const SweepResults& results,
                       const CellDivergences& divergences);

// "ladders" with breakdown strengths, and "asymmetry" of adding and
// subtracting at the same place.
Json ladders_json(const Sweep& sweep, const SweepResults& results);
Json asymmetry_json(const Json& ladders);

}  // namespace veer
