// SPDX-License-Identifier: MIT
//
// One line of [sweep] grid: an operator with all that it is to be tried at,
// as in "slerp scales=0.1/0.2 layers=chosen". No torch in this file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "veer/settings/intervention_text.h"

namespace veer {

struct GridLine {
  InterventionText text;  // its scale and layers are placeholders
  std::vector<double> scales = {1.0};
  // "each" layer alone, "chosen" (the layer that the select questions chose
  // for the vector and goal), or a choice of parse_layer_choice().
  std::vector<std::string> layers = {"chosen"};
  std::vector<std::string> vectors;  // empty = those of the sweep
  std::vector<std::string> models;   // empty = those of the sweep
  std::string second;                // rotate: the plane's other vector
  // The scale is meant towards deception and is turned round on the tuned
  // model, where honesty is the goal.
  bool mirror = true;
};

// "OPERATOR key=value ...": several values are separated by "/". Keys: scales,
// unit, layers, vectors, models, budget, scope, norms, site, threshold,
// steepness, second, mirror. `scope`: where the line names none. Throws Error
// naming the line and the part that is wrong.
GridLine parse_grid_line(std::string_view line, const std::string& scope,
                         const std::string& budget);

// The unit that a table shows: "share" or "degrees" where the operator takes
// no unit of displacement.
std::string shown_unit(const InterventionText& text);

// Whether -scale is the opposite of scale, so that a line can be mirrored.
bool has_opposite(const std::string& operation);

}  // namespace veer
