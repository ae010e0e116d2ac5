// SPDX-License-Identifier: MIT
#include "veer/claims/sample_size_claim.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/metrics/intervals.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kLevel = 0.05;

struct Gain {
  std::string vector, goal, layers;
  bool acts = false;  // the vector of all questions works
  std::int64_t few = 0;
  std::int64_t all = 0;
  Measure difference;
  double room = 1.0;  // what the vector of few questions left
  // Bounds that hold for all gains together.
  double low = 0.0;
  double high = 0.0;
};

std::vector<Gain> gains_of(const std::vector<ChosenEffect>& effects) {
  std::vector<Gain> gains;
  for (const auto& effect : effects) {
    const auto& fewer = effect.fewer_questions;
    if (effect.group != "linear" || !fewer || !fewer->difference.low ||
        !fewer->difference.high) {
      continue;
    }
    Gain gain;
    gain.vector = effect.vector;
    gain.goal = effect.goal;
    gain.layers = effect.layers;
    gain.acts = judge_effect(effect, claim_row("H12").margin()).standing ==
                Standing::kWorks;
    gain.few = fewer->few;
    gain.all = fewer->all;
    gain.difference = fewer->difference;
    if (const auto left = effect.room_left()) {
      gain.room = *left + *gain.difference.value;
    }
    gains.push_back(std::move(gain));
  }
  const auto count =
      static_cast<double>(std::max<std::size_t>(gains.size(), 1));
  const double wider = normal_quantile(1.0 - kLevel / (2.0 * count)) /
                       normal_quantile(1.0 - kLevel / 2.0);
  for (auto& gain : gains) {
    const double value = gain.difference.value.value_or(0.0);
    gain.low = value - wider * (value - gain.difference.low.value_or(value));
    gain.high = value + wider * (gain.difference.high.value_or(value) - value);
  }
  return gains;
}

// Bonferroni's p of one of several.
std::optional<double> together(std::optional<double> p, std::size_t count) {
  return p ? std::optional(std::min(1.0, *p * static_cast<double>(count)))
           : std::nullopt;
}

// "reliability .93 and .99 at layer 3" of 20 and of all questions.
std::string reliability_text(const Json& comparison, const Gain& gain) {
  const Json& curve = member(comparison, "sample_size");
  const char* key = string_member(curve, "a") == gain.vector ? "reliability_a"
                                                             : "reliability_b";
  for (const auto& at : member(curve, "by_layer")) {
    const Json& points = member(at, key);
    if (std::to_string(at.at("layer").get<std::int64_t>()) != gain.layers ||
        points.empty() || !member(points.front(), "value").is_number() ||
        !member(points.back(), "value").is_number()) {
      continue;
    }
    return fmt::format(
        "; reliability {:.2f} of {} and {:.2f} of {} questions at layer {}",
        points.front().at("value").get<double>(),
        points.front().at("n").get<std::int64_t>(),
        points.back().at("value").get<double>(),
        points.back().at("n").get<std::int64_t>(), gain.layers);
  }
  return "";
}

}  // namespace

HypothesisResult sample_size_claim(const Json& comparison,
                                   const std::vector<ChosenEffect>& effects) {
  const auto gains = gains_of(effects);
  if (gains.empty()) {
    return not_measured(
        "H12",
        "not measured in this run; needs a judge that gives labels and "
        "more questions than sweep.subset_questions");
  }
  auto row = claim_row("H12");
  const auto largest = std::ranges::max_element(
      gains, {}, [](const Gain& gain) { return *gain.difference.value; });
  const auto proven = std::ranges::max_element(gains, {}, &Gain::low);
  const bool is_proven = proven->low > 0.0;
  const Gain& shown = is_proven ? *proven : *largest;
  row.effect = shown.difference;
  // What decides: the interval and the p that hold for all differences.
  row.effect.low = shown.low;
  row.effect.high = shown.high;
  row.p = together(p_beyond(shown.difference, 0.0), gains.size());
  row.room = std::ranges::max_element(gains, {}, &Gain::room)->room;
  row.reason = fmt::format("{} minus {} questions, {}, {}{}; of {} differences",
                           shown.all, shown.few, shown.vector, shown.goal,
                           reliability_text(comparison, shown), gains.size());
  const auto has_room = [&](const Gain& gain) {
    return gain.room >= row.margin();
  };
  if (is_proven) {
    row.decision = Decision::kSupported;
  } else if (std::ranges::none_of(gains, &Gain::acts)) {
    row.reason += "; adding moves nothing, whatever the vector is made of";
  } else if (std::ranges::none_of(gains, has_room)) {
    leave_undecided_without_room(row);
  } else if (std::ranges::all_of(gains, [&](const Gain& gain) {
               return !has_room(gain) || gain.high < row.margin();
             })) {
    row.decision = Decision::kContradicted;
    row.p = together(p_beyond(shown.difference, row.margin()), gains.size());
  }
  return row;
}

}  // namespace veer
