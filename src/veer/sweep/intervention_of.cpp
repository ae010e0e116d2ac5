// SPDX-License-Identifier: MIT
#include "veer/sweep/intervention_of.h"

namespace veer {

Intervention intervention_of(const InterventionText& text,
                             std::int64_t num_layers, ResidualPoint point) {
  check(text);
  const auto& row = find_operator(text.operation);
  auto choice = parse_layer_choice(text.layers, num_layers);
  Intervention intervention;
  intervention.operation = text.operation;
  intervention.scale = text.scale;
  if (row.takes_unit) {
    intervention.unit = parse_unit(text.unit);
  }
  // Only a displacement can be shared out over layers: a target or a share of
  // what is there is the same at each of them.
  if (row.takes_unit && row.zero_is_off && choice.mode != LayerMode::kSet) {
    intervention.budget = parse_budget(text.budget);
  }
  intervention.layer_mode = choice.mode;
  intervention.layers = std::move(choice.layers);
  intervention.norm_kind = parse_norm_kind(text.norms);
  intervention.point = text.site.empty() ? point : parse_point(text.site);
  intervention.scope = parse_scope(text.scope);
  intervention.threshold = text.threshold;
  intervention.steepness = text.steepness;
  return intervention;
}

}  // namespace veer
