// SPDX-License-Identifier: MIT
#include "veer/study/one_direction_claim.h"

#include <optional>
#include <string>

#include <fmt/core.h>

#include "veer/base/number_text.h"

namespace veer {
namespace {

constexpr double kNoEffect = 0.1;  // "works" and "fails" of an effect

// Share of the yardstick that a vector reaches.
Measure reach_of(const ChosenEffect& effect) {
  const auto& share = effect.of_ceiling;
  if (share.value && share.low && share.high && *share.low < *share.high) {
    return share;
  }
  Measure reach = effect.effect;
  const double possible = effect.room.value_or(0.0);
  if (!reach.value || !reach.low || !reach.high || possible < kNoEffect) {
    return Measure::none("no yardstick");
  }
  for (auto* bound : {&reach.value, &reach.low, &reach.high}) {
    *bound = **bound / possible;
  }
  return reach;
}

HypothesisResult suffices(const std::vector<ChosenEffect>& effects) {
  auto row = claim_row("H9");
  std::size_t goals = 0;
  std::size_t reached = 0;
  bool below = false;
  std::string text;
  for (const char* goal : {"induction", "suppression"}) {
    const ChosenEffect* best = nullptr;
    Measure reach = Measure::none("none");
    EffectStanding judgement;
    for (const auto& effect : effects) {
      if (effect.group != "linear" || effect.goal != goal) {
        continue;
      }
      const auto own = reach_of(effect);
      if (own.value && (!reach.value || *own.value > *reach.value)) {
        reach = own;
        best = &effect;
        judgement = judge_effect(effect, kNoEffect);
      }
    }
    if (best == nullptr) {
      continue;
    }
    ++goals;
    const bool works = judgement.standing == Standing::kWorks;
    reached += works && *reach.low >= row.margin() ? 1 : 0;
    below = below || *reach.high < row.margin();
    text +=
        fmt::format("{}{}, {}: {} %{}", text.empty() ? "" : "; ", best->vector,
                    goal, rounded(100.0 * *reach.value, 0),
                    works || judgement.why.empty() ? "" : ", " + judgement.why);
    if (!row.effect.value || *reach.value < *row.effect.value) {
      row.effect = reach;
      row.room = best->room_left();
    }
  }
  if (goals == 0) {
    return row;
  }
  row.reason = text;
  row.p = p_beyond(row.effect, row.margin());
  if (below) {
    row.decision = Decision::kContradicted;
  } else if (reached == goals) {
    row.decision = Decision::kSupported;
  }
  return row;
}

HypothesisResult is_unique(const std::vector<ChosenEffect>& effects) {
  auto row = claim_row("H9U");
  std::size_t parts = 0;
  std::size_t failing = 0;
  std::string text;
  const ChosenEffect* shown = nullptr;
  bool any_works = false;
  for (const auto& effect : effects) {
    if (effect.group != "part" || !effect.vector.starts_with("private:")) {
      continue;
    }
    ++parts;
    const auto judgement = judge_effect(effect, row.margin());
    const bool works = judgement.standing == Standing::kWorks;
    failing += judgement.standing == Standing::kFails ? 1 : 0;
    text += fmt::format(
        "{}{}, {}: {} points{}", text.empty() ? "" : "; ", effect.vector,
        effect.goal, signed_rounded(100.0 * effect.effect.value.value_or(0), 0),
        works                   ? ", works"
        : judgement.why.empty() ? ""
                                : ", " + judgement.why);
    const bool larger = shown == nullptr || effect.effect.value.value_or(-2.0) >
                                                *shown->effect.value;
    if (effect.effect.value &&
        (works ? !any_works || larger : !any_works && larger)) {
      shown = &effect;
    }
    any_works = any_works || works;
  }
  if (shown == nullptr) {
    return row;
  }
  row.effect = shown->effect;
  row.room = shown->room;
  row.reason = text;
  row.p = p_beyond(row.effect, 0.0);
  if (any_works) {
    row.decision = Decision::kContradicted;
  } else if (failing == parts) {
    row.decision = Decision::kSupported;
    row.p = p_beyond(row.effect, row.margin());
  }
  return row;
}

}  // namespace

std::vector<HypothesisResult> one_direction_claims(
    const std::vector<ChosenEffect>& effects) {
  return {suffices(effects), is_unique(effects)};
}

}  // namespace veer
