// SPDX-License-Identifier: MIT
//
// An intervention in the words of a person: the same in the manifest, in
// `veer steer` and in sweep.json. No torch in this file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/interventions/choices.h"

namespace veer {

struct InterventionText {
  std::string operation = "add";  // a name of the operator table
  double scale = 1.0;
  std::string unit = "rel";  // of no meaning where the operator has none
  std::string layers;        // see parse_layer_choice()
  std::string budget = "per_layer";
  std::string scope = "generated";
  std::string norms = "auto";  // whose mean norm unit rel takes
  std::string site;            // "" = where the vector was read
  double threshold = 0.0;      // soft_*, gated_add: tau
  double steepness = 1.0;      // soft_*: q

  bool operator==(const InterventionText&) const = default;
};

// Throws Error on an operator, unit, budget, scope, norm kind or site that
// does not exist, and on a negative share of an operator that removes one.
// Layers need the model, see below.
void check(const InterventionText& text);

struct LayerChoice {
  LayerMode mode = LayerMode::kSet;
  std::vector<std::int64_t> layers;
};

// "3", "2,5" (or "2+5"), "2-5", "depth:0.54" (the layer at that share of the
// depth), "all" (each layer its own direction), "all_same:3" (that layer's
// direction everywhere), "increments" (v[k] - v[k-1] everywhere). Throws Error
// on anything else and on a layer out of range.
LayerChoice parse_layer_choice(std::string_view text, std::int64_t num_layers);

// Plain layers, as "3", "2-5" or "depth:0.5" name them, in order and each once.
// Throws Error naming the manifest's `key` on any other choice.
std::vector<std::int64_t> parse_layers(std::span<const std::string> texts,
                                       std::int64_t num_layers,
                                       std::string_view key);

// The same choice in its shortest words: depth becomes a number.
std::string layer_choice_name(const LayerChoice& choice);

}  // namespace veer
