// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/analysis/side_measures.h"
#include "veer/sweep/choice.h"

namespace veer {

// "best" of sweep.json: of each vector and goal the chosen cell, as confirmed
// on test questions beside random vectors, which are measured here.
Json best_json(Sweep& sweep, const SweepResults& results,
               const SideMeasures& measures);
// "groups": the same of one class of operators, and of mixtures.
Json groups_json(Sweep& sweep, const SweepResults& results,
                 const SideMeasures& measures);
// "corrections": p and intervals for the number of configurations that were
// searched on select and reported on test.
Json corrections_json(const Sweep& sweep, const SweepResults& results);

}  // namespace veer
