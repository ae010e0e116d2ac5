// SPDX-License-Identifier: MIT
//
// What a person would do instead of adding a vector, in the same table: the
// system prompt of the side that is wanted, the fine-tune itself (the other
// model), and its adapter at the strength that the select questions chose.
// Asked are the test questions of the chosen cells.
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/analysis/side_measures.h"
#include "veer/sweep/choice.h"
#include "veer/sweep/results.h"

namespace veer {

// After choose_best(): appends the test cells that are not there yet.
void choose_baselines(Sweep& sweep, const SweepResults& results);

// "baselines" of sweep.json, each against the vector that is best on select.
Json baselines_json(const Sweep& sweep, const SweepResults& results,
                    const SideMeasures& measures);

}  // namespace veer
