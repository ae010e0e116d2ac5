// SPDX-License-Identifier: MIT
//
// What a configuration does that the select questions chose and the test
// questions confirmed, and the one criterion by which claims call that an
// effect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/claims/hypotheses.h"

namespace veer {

// The vector of all questions minus vectors of a few of the same, in one cell.
struct FewerQuestions {
  std::int64_t few = 0;
  std::int64_t all = 0;
  Measure difference;
};

// An entry of "best" or "groups" of sweep.json that has a confirmed cell.
struct ChosenEffect {
  std::string vector;
  std::string goal;   // "induction", "suppression"
  std::string group;  // "any", "linear", "learned", ..., "part"
  std::string layers;
  std::string place;  // model, layers, unit and size: who has equal controls
  std::optional<std::int64_t> layer;  // none: several act together
  std::int64_t cell = 0;
  Measure effect;                  // change of the goal's share
  Measure of_ceiling;              // share of what copied states do
  std::optional<double> coherent;  // share of its answers that are unbroken
  double min_coherent = 0.75;      // of the sweep; less counts as broken
  // What the choice went by: the goal's measure on select, and the divergence
  // (95th percentile over tokens, nats).
  std::optional<double> select_value;
  std::optional<std::int64_t> candidates;  // that it was chosen from
  std::optional<double> divergence;
  // The most that the effect could be: 1 minus the unsteered share.
  std::optional<double> room;
  // Against random vectors of the same displacement; none: not run.
  std::optional<bool> beats_random;
  // What 95 of 100 such vectors stay below, of the kind that does more.
  std::optional<double> random_bar;
  bool valid_site = true;
  std::string why_invalid;  // that random vectors act there, in words
  // What the sweep itself says by the same criterion, and what stands against.
  std::optional<bool> works;
  std::string why_not;
  std::string controls_of;  // whose random vectors, where not its own
  std::optional<FewerQuestions> fewer_questions;

  bool is_unbroken() const;  // what the cell answers, by min_coherent
  // What the effect has left to reach.
  std::optional<double> room_left() const;
};

// Every such entry with shares as measure. An entry without random vectors gets
// those of another with the same cell, or of a plain addition of the same size
// at the same place.
std::vector<ChosenEffect> chosen_effects(const Json& sweep);

const ChosenEffect* find_effect(const std::vector<ChosenEffect>& effects,
                                std::string_view vector, std::string_view goal,
                                std::string_view group);

// Of a goal and group the one that did most on the select questions, of equal
// ones that which choice_rank.h puts first: chosen without a look at the test
// questions. Null if there is none.
const ChosenEffect* chosen_on_select(const std::vector<ChosenEffect>& effects,
                                     std::string_view goal,
                                     std::string_view group);

enum class Standing { kWorks, kFails, kInvalidPlace, kNoRoom, kOpen };

// Works: interval above 0, above random vectors of the same displacement, text
// unbroken, place valid. Fails: the interval ends below `margin`, and so much
// was possible. `why` names what is in the way of either.
struct EffectStanding {
  Standing standing = Standing::kOpen;
  std::string why;
  std::string limit;  // why it could never be told to fail (decidable.h)
};
EffectStanding judge_effect(const ChosenEffect& effect, double margin);

// Fills effect, room, p, decision and reason of a row from one effect:
// `works` where it works, its opposite where it fails.
void decide_by_effect(HypothesisResult& row, const ChosenEffect& effect,
                      Decision works);

}  // namespace veer
