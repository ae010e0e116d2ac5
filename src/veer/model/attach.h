// SPDX-License-Identifier: MIT
#pragma once

#include "veer/model/adapter.h"
#include "veer/model/weights.h"

namespace veer {

// Throws Error if the adapter names something that the model does not have, or
// a shape does not fit.
void check_adapter(const ModelConfig& config, ModelWeights& weights,
                   const Adapter& adapter);

// Puts a checked adapter's parts into their places, which are empty.
void attach_adapter(const ModelConfig& config, ModelWeights& weights,
                    const Adapter& adapter);

void detach_adapter(const ModelConfig& config, ModelWeights& weights);

}  // namespace veer
