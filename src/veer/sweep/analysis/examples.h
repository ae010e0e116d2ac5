// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/choice.h"

namespace veer {

// "examples" of sweep.json: answers of the best induction at a few layers.
Json examples_json(const Sweep& sweep, const SweepResults& results);
// "answers": those of the unsteered, best, control and example cells on test.
Json answers_json(const Sweep& sweep, const SweepResults& results);

}  // namespace veer
