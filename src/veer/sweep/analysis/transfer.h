// SPDX-License-Identifier: MIT
//
// What every vector does at every place: the transfer matrix and the effect by
// layer. Parts of sweep.json: docs/formats/run_folder.md.
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/cell_divergences.h"
#include "veer/sweep/choice.h"

namespace veer {

// "transfer": vector x operator x model x layers, induction on the base model
// and suppression on the tuned one apart, each at equal displacement and at
// equal divergence.
Json transfer_json(const Sweep& sweep, const SweepResults& results,
                   const CellDivergences& divergences);

// "layers": effect of each vector by layer at equal displacement, intervals
// simultaneous over the layers (max-t).
Json layers_json(const Sweep& sweep, const SweepResults& results);

}  // namespace veer
