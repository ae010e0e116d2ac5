// SPDX-License-Identifier: MIT
#include "veer/claims/chosen_effect.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/claims/decidable.h"
#include "veer/results/choice_rank.h"
#include "veer/results/effect_verdict.h"

namespace veer {
namespace {

Measure measure(const Json& estimate) {
  Measure out;
  out.value = number_member(estimate, "value");
  out.low = number_member(estimate, "low");
  out.high = number_member(estimate, "high");
  out.n = static_cast<std::int64_t>(number_member(estimate, "n").value_or(0.0));
  out.clusters = static_cast<std::int64_t>(
      number_member(estimate, "clusters").value_or(0.0));
  if (!out.value) {
    out.reason = "undefined";
  }
  return out;
}

// Whether random vectors ran in the place of an entry's cell, whichever of the
// keys says so.
bool has_controls(const Json& entry) {
  if (member(entry, "matched_control").is_object()) {
    return true;
  }
  if (entry.contains("random_vectors")) {
    return number_member(entry.at("random_vectors"), "n").value_or(0.0) > 0.0;
  }
  return number_member(member(entry, "random_effect"), "high").has_value();
}

void add_controls(const Json& entry, ChosenEffect& effect) {
  if (!has_controls(entry)) {
    return;
  }
  const Json& beats = member(entry, "beats_random");
  const auto random = number_member(member(entry, "random_effect"), "high");
  effect.beats_random = beats.is_boolean()
                            ? beats.get<bool>()
                            : effect.effect.low > random.value_or(0.0);
  effect.valid_site = member(entry, "valid_site") != Json(false);
  effect.why_invalid = acting_random_text(entry);
  if (const Json& works = member(entry, "works"); works.is_boolean()) {
    effect.works = works.get<bool>();
    effect.why_not = string_member(entry, "reason");
  }
  for (const char* kind :
       {"matched_control", "random_vectors", "covariance_vectors"}) {
    const auto bar = number_member(member(entry, kind), "percentile_95");
    if (bar && (!effect.random_bar || *bar > *effect.random_bar)) {
      effect.random_bar = bar;
    }
  }
}

ChosenEffect effect_of(const Json& entry, double min_coherent) {
  ChosenEffect effect;
  effect.min_coherent = min_coherent;
  effect.vector = string_member(entry, "vector");
  effect.goal = string_member(entry, "goal");
  effect.group = string_member(entry, "group");
  effect.layers = string_member(entry, "layers");
  effect.place =
      fmt::format("{}|{}|{}|{:g}", string_member(entry, "model"), effect.layers,
                  string_member(entry, "unit"),
                  std::abs(number_member(entry, "scale").value_or(0.0)));
  if (!effect.layers.empty() &&
      effect.layers.find_first_not_of("0123456789") == std::string::npos) {
    effect.layer = std::stoll(effect.layers);
  }
  effect.cell = entry.at("cell").get<std::int64_t>();
  effect.effect = measure(entry.at("effect"));
  effect.of_ceiling = measure(member(entry, "of_ceiling"));
  effect.coherent = number_member(member(entry, "coherent"), "value");
  effect.select_value = number_member(entry, "select_value");
  if (const auto tried = number_member(entry, "candidates")) {
    effect.candidates = static_cast<std::int64_t>(*tried);
  }
  effect.divergence = number_member(member(entry, "divergence"), "p95");
  effect.room = number_member(entry, "room");
  if (const auto base = number_member(member(entry, "baseline"), "value");
      base && !effect.room) {
    effect.room = 1.0 - *base;
  }
  const Json& fewer = member(entry, "fewer_questions");
  if (fewer.is_object()) {
    effect.fewer_questions = {fewer.value("questions", std::int64_t{0}),
                              fewer.value("of", std::int64_t{0}),
                              measure(member(fewer, "difference"))};
  }
  add_controls(entry, effect);
  return effect;
}

bool is_plain(const Json& entry) {
  const auto operation = string_member(entry, "operator");
  return operation == "add" || operation == "subtract";
}

// Random vectors in the same cell are the same; those of a plain addition of
// the same size at the same place were drawn alike, so that what 95 of 100 of
// them stay below holds there too.
void borrow_controls(std::vector<ChosenEffect>& effects,
                     const std::vector<bool>& plain) {
  for (std::size_t i = 0; i < effects.size(); ++i) {
    auto& own = effects[i];
    for (std::size_t j = 0; j < effects.size() && !own.beats_random; ++j) {
      const auto& other = effects[j];
      if (!other.beats_random || !other.controls_of.empty() ||
          other.goal != own.goal) {
        continue;
      }
      const bool same_cell = other.cell == own.cell;
      const bool same_place = plain[i] && plain[j] &&
                              other.place == own.place && other.random_bar &&
                              own.effect.low;
      if (same_cell || same_place) {
        own.beats_random = same_cell ? *other.beats_random
                                     : *own.effect.low > *other.random_bar;
        own.random_bar = other.random_bar;
        own.valid_site = other.valid_site;
        own.why_invalid = other.why_invalid;
        own.works = same_cell ? other.works : std::nullopt;
        own.why_not = other.why_not;
        own.controls_of = other.vector;
      }
    }
  }
}

std::string points(const Measure& m) {
  const auto at = [](const std::optional<double>& x) {
    return x ? signed_rounded(100.0 * *x, 0) : std::string("?");
  };
  return fmt::format("{} points [{}, {}]", at(m.value), at(m.low), at(m.high));
}

}  // namespace

bool ChosenEffect::is_unbroken() const {
  return coherent.value_or(1.0) >= min_coherent;
}

std::optional<double> ChosenEffect::room_left() const {
  return room && effect.value ? std::optional(*room - *effect.value)
                              : std::nullopt;
}

std::vector<ChosenEffect> chosen_effects(const Json& sweep) {
  const double min_coherent = min_coherent_of(sweep);
  std::vector<ChosenEffect> effects;
  std::vector<bool> plain;
  for (const char* list : {"best", "groups"}) {
    for (const auto& entry : member(sweep, list)) {
      if (entry.contains("effect") && member(entry, "cell").is_number() &&
          string_member(entry, "measure") != "score") {
        effects.push_back(effect_of(entry, min_coherent));
        plain.push_back(is_plain(entry));
        if (std::string_view(list) == "best") {
          effects.back().group = "any";
        }
      }
    }
  }
  borrow_controls(effects, plain);
  return effects;
}

const ChosenEffect* find_effect(const std::vector<ChosenEffect>& effects,
                                std::string_view vector, std::string_view goal,
                                std::string_view group) {
  const auto found =
      std::ranges::find_if(effects, [&](const ChosenEffect& effect) {
        return effect.vector == vector && effect.goal == goal &&
               effect.group == group;
      });
  return found == effects.end() ? nullptr : &*found;
}

const ChosenEffect* chosen_on_select(const std::vector<ChosenEffect>& effects,
                                     std::string_view goal,
                                     std::string_view group) {
  const ChosenEffect* best = nullptr;
  ChoiceRank best_rank;
  for (const auto& effect : effects) {
    const ChoiceRank rank{effect.select_value.value_or(-1.0),
                          effect.divergence.value_or(std::nan("")), 0.0};
    if (effect.goal == goal && effect.group == group &&
        (best == nullptr || ranks_before(rank, best_rank))) {
      best = &effect;
      best_rank = rank;
    }
  }
  return best;
}

EffectStanding judge_effect(const ChosenEffect& effect, double margin) {
  const auto& m = effect.effect;
  if (!m.value || !m.low || !m.high) {
    return {Standing::kOpen, "the effect has no interval"};
  }
  if (*m.high < margin) {
    if (effect.room && *effect.room < margin) {
      return {Standing::kNoRoom,
              fmt::format("no room: the unsteered model left {} points",
                          rounded(100.0 * *effect.room, 0))};
    }
    return {Standing::kFails, ""};
  }
  if (*m.low <= 0.0) {
    return {Standing::kOpen, "the interval holds 0 and reaches the margin",
            undecidable_text(m, margin)};
  }
  if (!effect.is_unbroken()) {
    return {Standing::kOpen,
            fmt::format("{} % of the text is unbroken, and {} % are needed",
                        rounded(100.0 * effect.coherent.value_or(0.0), 0),
                        rounded(100.0 * effect.min_coherent, 0))};
  }
  if (!effect.beats_random) {
    return {Standing::kOpen, "no random vector was run beside it"};
  }
  if (!*effect.beats_random) {
    return {Standing::kOpen, effect.why_not.empty()
                                 ? "random vectors of the same size reach it"
                                 : effect.why_not};
  }
  if (!effect.valid_site) {
    return {Standing::kInvalidPlace, effect.why_invalid};
  }
  if (!effect.works.value_or(true)) {
    return {Standing::kOpen, effect.why_not};
  }
  return {Standing::kWorks, ""};
}

void decide_by_effect(HypothesisResult& row, const ChosenEffect& effect,
                      Decision works) {
  const auto judgement = judge_effect(effect, row.margin());
  const bool is_support = works == Decision::kSupported;
  row.effect = effect.effect;
  row.room = effect.room;
  row.p = p_beyond(row.effect, 0.0);
  row.reason = fmt::format("{}, {}, layer {}: {}", effect.vector, effect.goal,
                           effect.layers, points(row.effect));
  switch (judgement.standing) {
    case Standing::kWorks:
      row.decision = works;
      // Of the whole rule: above 0 and above random vectors.
      row.p =
          p_beyond(row.effect, std::max(0.0, effect.random_bar.value_or(0.0)));
      row.reason += ", works";
      return;
    case Standing::kFails:
      row.decision =
          is_support ? Decision::kContradicted : Decision::kSupported;
      row.p = p_beyond(row.effect, row.margin());
      row.reason += ", fails";
      return;
    case Standing::kInvalidPlace:
      row.decision = Decision::kVoid;
      break;
    default:
      row.decision = Decision::kUndecided;
  }
  row.reason += ", " + judgement.why + judgement.limit;
}

}  // namespace veer
