// SPDX-License-Identifier: MIT
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/cell_divergences.h"
#include "veer/sweep/choice.h"

namespace veer {

// "contrasts": paired differences between two configurations on the same test
// questions, each with the claim that it decides.
Json contrasts_json(const Sweep& sweep, const SweepResults& results,
                    const CellDivergences& divergences);

}  // namespace veer
