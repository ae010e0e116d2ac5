// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>

#include "veer/generation/divergence.h"
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

// The 95th percentile over tokens, in nats; NaN when it was not measured.
double p95_of(const CellDivergences& divergences, const SweepCell& cell);

}  // namespace veer
