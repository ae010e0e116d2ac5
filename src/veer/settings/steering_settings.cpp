// SPDX-License-Identifier: MIT
#include "veer/settings/steering_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/interventions/operators.h"

namespace veer {
namespace {

bool is_about_unit(const SettingChange& change) {
  return change.first == "operator" || change.first == "unit";
}

// "add in unit rel", "ablate".
std::string words_of(const InterventionText& act) {
  return find_operator(act.operation).takes_unit
             ? fmt::format("{} in unit {}", act.operation, act.unit)
             : act.operation;
}

void apply(SteeringSettings& settings, std::span<const SettingChange> changes,
           bool about_unit) {
  const auto fields = setting_fields(settings);
  for (const auto& change : changes) {
    if (is_about_unit(change) == about_unit) {
      apply_setting(fields, change.first, change.second);
    }
  }
}

}  // namespace

double default_scale(const InterventionText& text) {
  const auto& row = find_operator(text.operation);
  if (row.takes_unit) {
    const auto unit = parse_unit(text.unit);
    const bool is_share =
        unit == ScaleUnit::kRel || unit == ScaleUnit::kRelToken;
    return is_share ? 0.25 : 1.0;
  }
  if (row.code == EditCode::kRotate) {
    return row.one_sided ? 90.0 : 0.0;
  }
  return row.code == EditCode::kSlerp ? 0.25 : 1.0;
}

std::vector<std::string> change_settings(
    SteeringSettings& settings, std::span<const SettingChange> changes) {
  SteeringSettings changed = settings;
  apply(changed, changes, /*about_unit=*/true);
  auto& act = changed.act;
  const auto& before = settings.act;
  const bool has_new_unit = words_of(act) != words_of(before);
  if (has_new_unit) {
    act.scale = default_scale(act);
  }
  apply(changed, changes, /*about_unit=*/false);
  const bool has_scale = std::ranges::any_of(
      changes, [](const auto& change) { return change.first == "scale"; });
  std::vector<std::string> notes;
  if (has_new_unit && !has_scale && act.scale != before.scale) {
    notes.push_back(
        fmt::format("The scale is now {:g}, the default of {}; {:g} was meant "
                    "for {}.",
                    act.scale, words_of(act), before.scale, words_of(before)));
  }
  settings = std::move(changed);
  return notes;
}

std::optional<double> own_strength(const SteeringSettings& settings) {
  const std::string& text = settings.adapter_strength;
  if (text == "auto") {
    return std::nullopt;
  }
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || !std::isfinite(value)) {
    fail("steer", fmt::format("adapter_strength \"{}\"", text),
         "a number or auto");
  }
  return value;
}

Json steering_settings_json(const SteeringSettings& settings) {
  SteeringSettings copy = settings;
  Json json = settings_to_json(setting_fields(copy));
  if (const auto strength = own_strength(settings)) {
    json["adapter_strength"] = *strength;
  }
  return json;
}

std::vector<std::string> waiting_for_vector(const SteeringSettings& settings) {
  if (!settings.vector.empty()) {
    return {};
  }
  const auto& act = settings.act;
  const auto& row = find_operator(act.operation);
  std::vector<std::string> waiting;
  if (row.takes_unit && act.unit == "rel") {
    waiting.emplace_back("the norms of unit rel");
  } else if (row.takes_unit && act.unit == "sigma") {
    waiting.emplace_back("the spread of unit sigma");
  }
  if (row.need == OperatorNeed::kSecondVector) {
    waiting.emplace_back("the second vector of operator " + act.operation);
  } else if (row.need != OperatorNeed::kNothing) {
    waiting.emplace_back("the statistics of operator " + act.operation);
  }
  return waiting;
}

}  // namespace veer
