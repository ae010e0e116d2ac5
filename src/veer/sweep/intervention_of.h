// SPDX-License-Identifier: MIT
#pragma once

#include "veer/interventions/intervention.h"
#include "veer/settings/intervention_text.h"

namespace veer {

// What the words mean in a model of `num_layers` layers, for a vector that
// was read at `point`. Throws Error as check() and parse_layer_choice() do.
Intervention intervention_of(const InterventionText& text,
                             std::int64_t num_layers, ResidualPoint point);

}  // namespace veer
