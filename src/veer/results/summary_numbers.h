// SPDX-License-Identifier: MIT
//
// How the summary writes the numbers of an effect, for its sentences and for
// its lines alike.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"

namespace veer {

// Whether an entry's effect is a change of a share, and not of a score.
bool is_share(const Json& entry);

// "+27 points [+21, +33]"; scores as "+0.31 [+0.20, +0.42]".
std::string amount(const Json& estimate, bool share);
// The same without "points", for a table: "+27 [+21, +33]".
std::string bare_amount(const Json& estimate, bool share);

// What random vectors do in the same cell, of the kind whose mean is larger:
// those of "matched_control". Their mean is what effect_minus_control leaves
// out, nothing where it lies against the goal.
struct RandomControl {
  const char* kind = "";
  Json effect;
  double bar = 0.0;  // NaN: none
  std::int64_t vectors = 0;
  bool is_subtracted = true;
};
RandomControl random_control(const Json& entry);
std::string bar_text(const RandomControl& control, bool share);

// Whether random vectors were run in the place of an entry's cell.
bool has_random_control(const Json& entry);

// "layer 3, ablate +2 rel".
std::string place_of(const Json& entry);

}  // namespace veer
