// SPDX-License-Identifier: MIT
#include "cli/chat_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/shown_text.h"
#include "cli/wrapped.h"
#include "veer/settings/grid_line.h"

namespace veer::cli {
namespace {

constexpr std::size_t kNameWidth = 22;

// "0.25", "add"; a text that could be taken for nothing is put in quotes.
std::string shown_value(const Json& value) {
  if (!value.is_string()) {
    return dump_json(value);
  }
  const auto& text = value.get_ref<const std::string&>();
  return text.empty() ? "(none)" : shown_token(text);
}

}  // namespace

std::string settings_line(const SteeringSettings& settings) {
  const auto& act = settings.act;
  const std::string layers =
      act.layers.empty() ? "" : fmt::format(" at layers {}", act.layers);
  const std::string deed = fmt::format("{:+g} {}{}, tokens {}", act.scale,
                                       shown_unit(act), layers, act.scope);
  const std::string system =
      settings.system.empty() ? "" : ", under a system prompt";
  if (!settings.vector.empty()) {
    return fmt::format("{}, {} {} {}{}", settings.model, act.operation,
                       settings.vector, deed, system);
  }
  const auto waiting = waiting_for_vector(settings);
  return fmt::format("{}, no vector{}: nothing is steered. With one: {} {}{}",
                     settings.model, system, act.operation, deed,
                     waiting.empty() ? ""
                                     : fmt::format(" (not checked yet: {})",
                                                   fmt::join(waiting, ", ")));
}

std::string settings_table(const SteeringSettings& settings,
                           std::span<const Fact> facts) {
  SteeringSettings copy = settings;
  const auto json = steering_settings_json(settings);
  std::string out;
  for (const auto& field : setting_fields(copy)) {
    const auto pointer = Json::json_pointer("/" + field.path);
    out += two_columns(
        "/" + field.path,
        fmt::format("{}   ({})", shown_value(json.at(pointer)), field.help),
        kNameWidth);
  }
  for (const auto& [name, text] : facts) {
    out += two_columns(name, shown_text(text), kNameWidth);
  }
  return out;
}

}  // namespace veer::cli
