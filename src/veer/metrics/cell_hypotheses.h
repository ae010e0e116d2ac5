// SPDX-License-Identifier: MIT
//
// The claims that are decided from the grid of a sweep: layers, units, layer
// modes and ladders of scales. Rows of the same table as
// vectors/hypotheses.h, which holds those about directions and chosen cells.
#pragma once

#include <span>
#include <vector>

#include "veer/metrics/breakdown.h"
#include "veer/metrics/estimate.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// NaN becomes "none" with `reason`.
Measure measure_of(const Estimate& estimate, std::string_view reason = {});

// What the rows are decided from; what was not measured stays undefined or
// empty and leaves its row undecided.
struct CellHypothesisInput {
  // Effect per layer at equal relative scale, simultaneous (max-t) intervals.
  std::vector<Estimate> effect_by_layer;
  // Paired differences of induction: the norm restored after adding minus not,
  // at equal scale; all layers minus one, at equal KL. (A raw and a unit vector
  // at equal displacement are the same addition.)
  Estimate keep_norm_minus_add;
  Estimate all_layers_minus_one;
  // One ladder per vector and sign.
  std::vector<Breakdown> breakdowns;
};

// H14, H18, H19, H20, in this order.
std::vector<HypothesisResult> evaluate_cell_hypotheses(
    const CellHypothesisInput& input);

// The smallest share of layers that carries 80 % of the positive effect
// (H14: localised when it is at most a quarter). NaN without positive effect.
double localisation(std::span<const Estimate> effect_by_layer);

}  // namespace veer
