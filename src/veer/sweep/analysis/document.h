// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/choice.h"

namespace veer {

// sweep.json: docs/formats/run_folder.md.
Json sweep_document(Sweep& sweep, const SweepResults& results);

}  // namespace veer
