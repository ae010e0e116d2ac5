// SPDX-License-Identifier: MIT
#include "veer/settings/intervention_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/interventions/operators.h"
#include "veer/interventions/scope.h"

namespace veer {
namespace {

constexpr std::array<std::string_view, 6> kSites = {
    "", "resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post"};
constexpr std::string_view kSame = "all_same:";
constexpr std::string_view kDepth = "depth:";

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = -1;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end ? std::optional(value)
                                             : std::nullopt;
}

[[noreturn]] void refuse(std::string_view text, std::int64_t num_layers) {
  fail("layers", fmt::format("\"{}\"", text),
       fmt::format("all, increments, all_same:3, depth:0.5, or layers from 0 "
                   "to {} such as 3 or 2,5 or 2-5",
                   num_layers - 1),
       "layers are counted from 0");
}

// The layers of "3" or "2-5"; empty when it is neither.
std::vector<std::int64_t> layers_of_part(std::string_view part,
                                         std::int64_t num_layers) {
  const auto dash = part.find('-');
  const auto first = whole_number(part.substr(0, dash));
  const auto last = dash == std::string_view::npos
                        ? first
                        : whole_number(part.substr(dash + 1));
  std::vector<std::int64_t> layers;
  if (first && last && *first >= 0 && *last < num_layers) {
    for (auto layer = *first; layer <= *last; ++layer) {
      layers.push_back(layer);
    }
  }
  return layers;
}

std::vector<std::int64_t> layer_set(std::string_view text,
                                    std::int64_t num_layers) {
  std::vector<std::int64_t> layers;
  std::string_view rest = text;
  while (true) {
    const auto end = rest.find_first_of(",+");
    const auto own = layers_of_part(rest.substr(0, end), num_layers);
    if (own.empty()) {
      refuse(text, num_layers);
    }
    layers.insert(layers.end(), own.begin(), own.end());
    if (end == std::string_view::npos) {
      break;
    }
    rest.remove_prefix(end + 1);
  }
  std::ranges::sort(layers);
  const auto same = std::ranges::unique(layers);
  layers.erase(same.begin(), same.end());
  return layers;
}

std::int64_t layer_at_depth(std::string_view text, std::int64_t num_layers) {
  const auto number = text.substr(kDepth.size());
  double share = -1.0;
  const auto [rest, error] =
      std::from_chars(number.data(), number.data() + number.size(), share);
  if (error != std::errc() || rest != number.data() + number.size() ||
      !(share >= 0.0 && share <= 1.0)) {
    refuse(text, num_layers);
  }
  const auto layer = static_cast<std::int64_t>(
      std::lround(share * static_cast<double>(num_layers)));
  return std::min(layer, num_layers - 1);
}

// Whether the scale is how much of something is taken away: of a component, or
// of the way to a class mean.
bool removes_a_share(const OperatorRow& row) {
  return !row.takes_unit && row.even && row.code != EditCode::kPatch &&
         row.name != "scale";
}

}  // namespace

void check(const InterventionText& text) {
  const auto& row = find_operator(text.operation);
  if (row.takes_unit) {
    parse_unit(text.unit);
  }
  parse_budget(text.budget);
  parse_scope(text.scope);
  parse_norm_kind(text.norms);
  if (std::ranges::find(kSites, text.site) == kSites.end()) {
    fail("intervention", fmt::format("site \"{}\"", text.site),
         "resid_pre, attn_out, resid_mid, mlp_out, resid_post or nothing");
  }
  if (!std::isfinite(text.scale) || !std::isfinite(text.threshold) ||
      !std::isfinite(text.steepness)) {
    fail("intervention", "a scale, threshold or steepness that is no number",
         "finite numbers");
  }
  if (removes_a_share(row) && text.scale < 0.0) {
    fail("intervention",
         fmt::format("operator {} at scale {:g}, which adds to what it is to "
                     "remove",
                     text.operation, text.scale),
         "the share to remove: 1 all of it, 0.5 half, above 1 reflects",
         "a scale that was meant for another operator; operator scale makes a "
         "component larger");
  }
}

LayerChoice parse_layer_choice(std::string_view text, std::int64_t num_layers) {
  if (text == "all") {
    return {LayerMode::kAllOwn, {}};
  }
  if (text == "increments") {
    return {LayerMode::kIncrements, {}};
  }
  if (text.starts_with(kSame)) {
    const auto layers = layer_set(text.substr(kSame.size()), num_layers);
    if (layers.size() != 1) {
      refuse(text, num_layers);
    }
    return {LayerMode::kAllSame, layers};
  }
  if (text.starts_with(kDepth)) {
    return {LayerMode::kSet, {layer_at_depth(text, num_layers)}};
  }
  return {LayerMode::kSet, layer_set(text, num_layers)};
}

std::vector<std::int64_t> parse_layers(std::span<const std::string> texts,
                                       std::int64_t num_layers,
                                       std::string_view key) {
  std::set<std::int64_t> layers;
  for (const auto& text : texts) {
    const auto choice = parse_layer_choice(text, num_layers);
    if (choice.mode != LayerMode::kSet) {
      fail("read manifest", fmt::format("{} holds \"{}\"", key, text),
           "3, 2-5 or depth:0.5");
    }
    layers.insert(choice.layers.begin(), choice.layers.end());
  }
  return {layers.begin(), layers.end()};
}

std::string layer_choice_name(const LayerChoice& choice) {
  switch (choice.mode) {
    case LayerMode::kAllOwn:
      return "all";
    case LayerMode::kIncrements:
      return "increments";
    case LayerMode::kAllSame:
      return fmt::format("all_same:{}", choice.layers.front());
    default:
      return fmt::format("{}", fmt::join(choice.layers, "+"));
  }
}

}  // namespace veer
