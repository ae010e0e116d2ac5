// SPDX-License-Identifier: MIT
//
// In how many layers an effect sits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "veer/metrics/estimate.h"

namespace veer {

// The smallest share of layers that carries 80 % of the positive effect. NaN
// without a positive effect.
double localisation(std::span<const double> effect_by_layer);

// The same of mean effects over questions, effects[layer][question], with a
// percentile bootstrap over questions; draws without a positive effect are left
// out. NaN without a positive effect.
// With units these are resampled (data/units.h).
Estimate localisation_by_question(std::span<const std::vector<double>> effects,
                                  std::uint64_t seed, std::int64_t draws = 2000,
                                  std::span<const std::int64_t> units = {});

}  // namespace veer
