// SPDX-License-Identifier: MIT
//
// Where text breaks, and how much effect there is before it does: one vector,
// operator, layer choice and sign, over a ladder of scales.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "veer/metrics/estimate.h"

namespace veer {

// One rung: per-question share of coherent answers and per-question effect
// (NaN = missing). All rungs use the same questions.
struct ScaleRung {
  double scale = 0.0;  // > 0; signs are looked at apart
  std::vector<double> coherent;
  std::vector<double> effect;
};

struct Breakdown {
  // Scales, by linear interpolation in log scale between the last rung on the
  // good side and the next one; bootstrap by question. `censored`: coherence
  // never fell that far, the value is undefined and `low` is the last scale.
  // With units these are resampled (data/units.h).
  Estimate onset;               // 10 % of the answers incoherent
  Estimate s75;                 // 75 % still coherent: the breakdown strength
  Estimate collapse;            // 75 % incoherent
  bool censored = false;        // of s75
  bool never_coherent = false;  // below 75 % at the smallest scale

  double largest_effect = 0.0;  // among rungs at least 75 % coherent
  double scale_of_largest = 0.0;
  double half_effect_scale = 0.0;  // first rung to reach half of it; NaN
  double window = 0.0;  // log(s75 / half_effect_scale); > 0 = usable; NaN
};

// `rungs` in rising scale. Throws Error on none, falling scales or unequal
// numbers of questions.
Breakdown breakdown(std::span<const ScaleRung> rungs, std::uint64_t seed,
                    std::int64_t draws = 2000,
                    std::span<const std::int64_t> units = {});

}  // namespace veer
