// SPDX-License-Identifier: MIT
//
// The study's behavioural claims as decisions over measured cells. "Works":
// the interval of the test effect lies above 0, the effect beats the random
// controls, and the text is coherent. "Fails": the interval lies below ten
// points. Anything else is undecided, and so is a claim whose gates failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "veer/metrics/breakdown.h"
#include "veer/metrics/estimate.h"

namespace veer {

enum class Verdict : std::uint8_t {
  kSupported,
  kContradicted,
  kUndecided,
  kVoid,  // a gate failed: the claim has nothing to be about
};
std::string_view verdict_name(Verdict verdict);

// One row of the hypothesis table.
struct Claim {
  std::string id;     // "H5"
  std::string claim;  // in words
  Verdict verdict = Verdict::kUndecided;
  Estimate effect;     // what the decision rests on
  std::string reason;  // one sentence with the numbers
};

// A cell chosen on the select split and measured on the test split.
struct ChosenCell {
  bool exists = false;  // no coherent candidate on select: false
  Estimate effect;      // paired, test split
  Estimate coherent;    // share
  bool beats_random = false;
  std::string where;  // "add, layer 3, 0.75 rel"
};

enum class Outcome : std::uint8_t { kWorks, kFails, kUndecided };
// The rule at the top of this page. A cell that does not exist is undecided.
Outcome outcome_of(const ChosenCell& cell);

// What the claims are decided from. Effects are shares in 0..1: induction =
// rise of the deceptive share of the base model, suppression = rise of the
// honest share of the tuned one. A missing Estimate leaves its claims
// undecided.
struct BehaviourCells {
  bool tuned_deceives = false;             // gate H23
  bool vectors_established = false;        // gate: split-half and sign flips
  ChosenCell contrastive_induction;        // +v_C on base
  ChosenCell tuning_induction;             // +v_FT on base
  ChosenCell tuning_suppression;           // -v_FT on tuned
  ChosenCell tuning_induction_same_cells;  // +v_FT in the cells of H5
  // Difference of the shares of the gap closed, suppression - induction.
  Estimate suppression_minus_induction;
  // Effect per layer at equal relative scale, simultaneous (max-t) intervals.
  std::vector<Estimate> effect_by_layer;
  // Paired differences at equal displacement / equal KL.
  Estimate unit_minus_raw;
  Estimate all_layers_minus_one;
  // Ladders of both signs, one per vector.
  std::vector<Breakdown> breakdowns;
};

// H3 H4 H5 H6 H7 H14 H18 H19 H20, in this order.
std::vector<Claim> behavioural_claims(const BehaviourCells& cells);

// The smallest share of layers that carries 80 % of the positive effect
// (H14: localised when it is at most a quarter). NaN without positive effect.
double localisation(const std::vector<Estimate>& effect_by_layer);

}  // namespace veer
