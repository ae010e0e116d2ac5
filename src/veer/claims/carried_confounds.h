// SPDX-License-Identifier: MIT
//
// How much of a direction lies along what is not the behaviour, from
// "confounds" of comparison.json.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/claims/chosen_effect.h"

namespace veer {

// The confound contrasts that carry the behaviour, of "confound_behaviour" of
// comparison.json.
std::set<std::string> behaviour_carriers(const Json& behaviour);

struct CarriedConfound {
  std::string vector;
  std::string confound;  // the one that holds most
  std::int64_t layer = 0;
  Measure share;  // of squared length along that one
  // What the largest such share is by chance: 95 of 100 random directions with
  // the activations' covariance stay below it. None: not measured.
  std::optional<double> by_chance;
  std::optional<double> span;  // of squared length in the span of all of them
};

// One per vector, at the layer that the select questions chose for adding it
// (of induction); none where several layers were chosen or no neutral confound
// of the vector's position was measured. Intervals are widened for all of them
// together (Bonferroni, normal).
std::vector<CarriedConfound> carried_confounds(
    const Json& comparison, const std::vector<ChosenEffect>& effects,
    const std::vector<std::string>& vectors);

}  // namespace veer
