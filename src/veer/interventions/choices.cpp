// SPDX-License-Identifier: MIT
#include "veer/interventions/choices.h"

#include <array>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

template <class Value, std::size_t N>
using Names = std::array<std::pair<std::string_view, Value>, N>;

constexpr Names<ScaleUnit, 5> kUnits = {{{"raw", ScaleUnit::kRaw},
                                         {"unit", ScaleUnit::kUnit},
                                         {"rel", ScaleUnit::kRel},
                                         {"rel_token", ScaleUnit::kRelToken},
                                         {"sigma", ScaleUnit::kSigma}}};
constexpr Names<LayerMode, 4> kModes = {
    {{"set", LayerMode::kSet},
     {"all_own", LayerMode::kAllOwn},
     {"all_same", LayerMode::kAllSame},
     {"increments", LayerMode::kIncrements}}};
constexpr Names<Budget, 3> kBudgets = {
    {{"full", Budget::kFull},
     {"per_layer", Budget::kPerLayer},
     {"per_root_layer", Budget::kPerRootLayer}}};
constexpr Names<NormKind, 4> kNormKinds = {
    {{"auto", NormKind::kAuto},
     {"prompt", NormKind::kPrompt},
     {"prompt_end", NormKind::kPromptEnd},
     {"generated", NormKind::kGenerated}}};

template <class Value, std::size_t N>
Value parse_name(const Names<Value, N>& names, std::string_view what,
                 std::string_view name) {
  std::string expected;
  for (const auto& [known, value] : names) {
    if (known == name) {
      return value;
    }
    expected += (expected.empty() ? "" : ", ") + std::string(known);
  }
  fail(what, fmt::format("\"{}\"", name), "one of " + expected);
}

template <class Value, std::size_t N>
std::string_view name_of(const Names<Value, N>& names, Value value) {
  for (const auto& [known, candidate] : names) {
    if (candidate == value) {
      return known;
    }
  }
  return "?";
}

}  // namespace

ScaleUnit parse_unit(std::string_view name) {
  return parse_name(kUnits, "scale unit", name);
}
std::string_view unit_name(ScaleUnit unit) {
  return name_of(kUnits, unit);
}
LayerMode parse_layer_mode(std::string_view name) {
  return parse_name(kModes, "layer mode", name);
}
std::string_view layer_mode_name(LayerMode mode) {
  return name_of(kModes, mode);
}
Budget parse_budget(std::string_view name) {
  return parse_name(kBudgets, "budget", name);
}
NormKind parse_norm_kind(std::string_view name) {
  return parse_name(kNormKinds, "norm kind", name);
}

}  // namespace veer
