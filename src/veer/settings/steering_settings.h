// SPDX-License-Identifier: MIT
//
// What a person may change between two turns of `veer steer`. No torch in this
// file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "veer/base/json.h"
#include "veer/base/settings.h"
#include "veer/settings/intervention_text.h"

namespace veer {

// What the scale is where nobody chose one. A scale means something only with
// its operator and unit: 0.25 of the residual norm for rel and rel_token (a
// real chat model stays fluent, docs/methods/interventions.md), one deviation,
// one vector, one unit of length, the whole share, or an angle in degrees.
double default_scale(const InterventionText& text);

struct SteeringSettings {
  std::string model = "base";  // or "tuned"
  std::string vector;  // a file, or a name that a VectorShelf knows; "" = none
  InterventionText act = {.scale = 0.25};  // default_scale() of add in rel
  std::string second;                      // rotate: the plane's other vector
  std::string adapter_strength = "auto";   // or a number
  // What the model is asked with: "single" the question alone, "all" the turns
  // before it too, "auto" single for a model that knows no conversations.
  std::string turns = "auto";
  std::string system;
  double temperature = 0.0;
  double repetition_penalty = 0.0;  // 0 = as the model's files say
  std::int64_t max_tokens = 64;
  std::int64_t seed = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("model", self.model, "base or tuned");
    field("vector", self.vector, "file, name in the run folder, or mixture");
    field("operator", self.act.operation, "add (default), ablate, ...");
    field("scale", self.act.scale,
          "strength in the unit (default 0.25 rel); negative turns round");
    field("unit", self.act.unit,
          "rel (default), rel_token, unit, raw or sigma");
    field("layers", self.act.layers,
          "3, 2,5, 2-5, all, all_same:3, increments or depth:0.5 (default)");
    field("scope", self.act.scope,
          "generated (default), all, prompt, thinking, first:N, from:N");
    field("budget", self.act.budget,
          "over all layers: per_layer (default), per_root_layer or full");
    field("norms", self.act.norms,
          "of unit rel: auto, prompt, prompt_end or generated");
    field("site", self.act.site, "resid_post, resid_mid, ..., empty = as read");
    field("threshold", self.act.threshold, "of soft and gated operators");
    field("steepness", self.act.steepness, "of soft operators");
    field("second", self.second, "the other vector of a rotation's plane");
    field("adapter_strength", self.adapter_strength,
          "a number, or auto = 0 for base and 1 for tuned");
    field("turns", self.turns,
          "single = the question alone, all = earlier turns too, auto");
    field("system", self.system, "system prompt");
    field("temperature", self.temperature, "0 = greedy (default)");
    field("repetition_penalty", self.repetition_penalty,
          "1 = none, 0 = as generation_config.json says (default)");
    field("max_tokens", self.max_tokens, "longest answer (default 64)");
    field("seed", self.seed, "of sampling");
  }
};

// Sets settings by name, operator and unit first, whatever the order. A scale
// means something only with its operator and unit: a change of one of them
// without a scale of its own takes default_scale(). Returns in whole sentences
// what else became of the settings. Throws Error as apply_setting() does.
using SettingChange = std::pair<std::string, std::string>;
std::vector<std::string> change_settings(
    SteeringSettings& settings, std::span<const SettingChange> changes);

// As JSON; adapter_strength is a number unless it is "auto".
Json steering_settings_json(const SteeringSettings& settings);

// What only a vector can tell about the settings, in words: "the norms of unit
// rel", "the statistics of operator leace". Empty with a vector.
std::vector<std::string> waiting_for_vector(const SteeringSettings& settings);

// The adapter's strength; nothing for "auto". Throws Error on anything else.
std::optional<double> own_strength(const SteeringSettings& settings);

}  // namespace veer
