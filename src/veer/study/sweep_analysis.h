// SPDX-License-Identifier: MIT
//
// What the cells of a sweep say together: ladders of scales and where they
// break, the transfer matrix at equal displacement and equal divergence, and
// the paired differences that the claims are decided from. Parts of
// sweep.json: docs/formats/run_folder.md.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/generation/divergence.h"
#include "veer/metrics/breakdown.h"
#include "veer/study/sweep_choice.h"

namespace veer {

// Divergence of the cells that were measured, by what acts in them (model,
// operator, unit, scale, layers, vector): a test cell has that of its twin on
// select.
class CellDivergences {
 public:
  // Measures the steered select cells of `sweep` that are not random.
  explicit CellDivergences(Sweep& sweep);
  // Null when it was not measured.
  const DivergenceSummary* of(const SweepCell& cell) const;

 private:
  std::map<std::string, DivergenceSummary> summaries_;
};

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

// "ladders" with breakdown strengths, and "asymmetry" of adding and
// subtracting at the same place.
Json ladders_json(const Sweep& sweep, const SweepResults& results);
Json asymmetry_json(const Json& ladders);

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

// "transfer": vector x operator x model x layers, induction on the base model
// and suppression on the tuned one apart, each at equal displacement and at
// equal divergence.
Json transfer_json(const Sweep& sweep, const SweepResults& results,
                   const CellDivergences& divergences);

// "contrasts": paired differences between two configurations on the same test
// questions, each with the claim that it decides.
Json contrasts_json(const Sweep& sweep, const SweepResults& results,
                    const CellDivergences& divergences);

// A simultaneous interval that is no narrower than the one for a single
// number: without spread over questions max-t has no width.
Estimate at_least_as_wide(Estimate estimate, const Estimate& own);

// "layers": effect of each vector by layer at equal displacement, intervals
// simultaneous over the layers (max-t).
Json layers_json(const Sweep& sweep, const SweepResults& results);

}  // namespace veer
