// SPDX-License-Identifier: MIT
#include "veer/claims/contrast_claims.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/claims/decidable.h"
#include "veer/claims/sweep_evidence.h"

namespace veer {
namespace {

constexpr double kSamePrice = 1.1;
// The way of matching two ladders that decides. Equal divergence is read off a
// curve whose points are measured on a few questions; no interval holds the
// error of that, so that it describes and decides nothing.
constexpr std::string_view kDecidingMatch = "equal displacement";
constexpr std::string_view kDecidingPrice = "equal divergence";
constexpr double kLevel = 0.05;

// One entry of "contrasts" with its simultaneous interval.
struct Contrast {
  std::string vector, what, goal, at;
  Measure difference;
  std::optional<double> p;  // corrected within its family (max-t)
  std::optional<double> price_a, price_b;  // divergence, nats
  std::optional<double> cell_b;
  std::optional<double> tried_a, tried_b;  // configurations, on select
  // Means of the compared quantity on both sides, and what it could be at
  // most.
  std::optional<double> mean_a, mean_b, most;

  // How far the difference could have gone up.
  std::optional<double> room_above() const {
    return most && mean_b ? std::optional(*most - *mean_b) : std::nullopt;
  }
  // Two sides that both do nothing, or both everything, cannot differ: the
  // least of what the weaker left and of what the one that does more does.
  std::optional<double> room_either_way() const {
    if (!most || !mean_a || !mean_b) {
      return std::nullopt;
    }
    return std::min(*most - std::min(*mean_a, *mean_b),
                    std::max(std::abs(*mean_a), std::abs(*mean_b)));
  }
  std::string text() const {
    return fmt::format("{}, {}: {} points", what, goal,
                       signed_rounded(100.0 * *difference.value, 0));
  }
  // With what both sides cost and of how many each is the best.
  std::string full_text() const {
    std::string text = this->text();
    if (price_a && price_b) {
      text += fmt::format(" at {:.2g} nats (KL) against the addition's {:.2g}",
                          *price_a, *price_b);
    }
    if (tried_a && tried_b) {
      text += fmt::format(", best of {:g} against best of {:g}", *tried_a,
                          *tried_b);
    }
    return text;
  }
  // Whether a side is the best of no more configurations than the other: the
  // more are tried, the better the best of them is. False where not known.
  bool a_tried_no_more() const {
    return tried_a && tried_b && *tried_a <= *tried_b;
  }
  bool b_tried_no_more() const {
    return tried_a && tried_b && *tried_b <= *tried_a;
  }
};

std::vector<Contrast> contrasts_of(const Json& sweep, std::string_view claim) {
  std::vector<Contrast> list;
  for (const auto& entry : member(sweep, "contrasts")) {
    const Json& interval = member(entry, "simultaneous");
    if (string_member(entry, "claim") != claim ||
        !number_member(interval, "value") || !number_member(interval, "low") ||
        !number_member(interval, "high")) {
      continue;
    }
    Contrast own;
    own.vector = string_member(entry, "vector");
    own.what = string_member(entry, "what");
    own.goal = string_member(entry, "goal");
    own.at = string_member(entry, "at");
    own.difference.value = number_member(interval, "value");
    own.difference.low = number_member(interval, "low");
    own.difference.high = number_member(interval, "high");
    own.difference.n =
        static_cast<std::int64_t>(number_member(interval, "n").value_or(0.0));
    own.difference.clusters = static_cast<std::int64_t>(
        number_member(interval, "clusters").value_or(0.0));
    own.p = number_member(entry, "adjusted_p");
    own.price_a = number_member(entry, "divergence_a");
    own.price_b = number_member(entry, "divergence_b");
    own.cell_b = number_member(entry, "cell_b");
    own.tried_a = number_member(entry, "candidates_a");
    own.tried_b = number_member(entry, "candidates_b");
    own.mean_a = number_member(entry, "mean_a");
    own.mean_b = number_member(entry, "mean_b");
    own.most = number_member(entry, "most");
    list.push_back(std::move(own));
  }
  return list;
}

std::string names_of(const std::set<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

bool is_within(const Measure& m, double margin) {
  return *m.low > -margin && *m.high < margin;
}

// What plain addition left at its best cell.
std::optional<double> room_of(const Contrast& own,
                              const std::vector<ChosenEffect>& effects) {
  if (const auto room = own.room_above()) {
    return room;
  }
  // The better single vector where it is a blend that is compared.
  std::optional<double> room;
  for (const auto& effect : effects) {
    const auto left = effect.room_left();
    if (effect.group == "linear" && effect.goal == own.goal && left &&
        (own.vector.empty() || effect.vector == own.vector)) {
      room = std::min(room.value_or(1.0), *left);
    }
  }
  return room;
}

// The plain addition that a class of operators is compared with.
const ChosenEffect* added_of(const Contrast& own,
                             const std::vector<ChosenEffect>& effects) {
  for (const auto& effect : effects) {
    if (effect.group == "linear" && effect.goal == own.goal &&
        (own.cell_b ? static_cast<double>(effect.cell) == *own.cell_b
                    : effect.vector == own.vector)) {
      return &effect;
    }
  }
  return nullptr;
}

// Why a gain over the addition says nothing at its price; empty where it does.
// One rule, whatever the addition does: the winner may cost at most a tenth
// more than it.
std::string against_price(const Contrast& own,
                          const std::vector<ChosenEffect>& effects) {
  const auto* added = added_of(own, effects);
  if (added == nullptr) {
    return "the addition's cell was not confirmed";
  }
  if (!added->is_unbroken()) {
    return "too much of the addition's text is broken";
  }
  if (!own.price_a || !own.price_b) {
    return "the divergence of both was not measured";
  }
  if (*own.price_a <= kSamePrice * *own.price_b) {
    return "";
  }
  if (added->effect.low.value_or(0.0) > 0.0) {
    return "a gain there costs more divergence";
  }
  return "no addition to compare in price: the one that select chose does "
         "nothing that is told from 0, and costs less";
}

// Why the winner of a gain is none; empty if it is one.
std::string against_winner(const Contrast& own, const std::string& group,
                           double margin,
                           const std::vector<ChosenEffect>& effects) {
  const ChosenEffect* winner = nullptr;
  for (const auto& effect : effects) {
    if (effect.group == group && effect.goal == own.goal &&
        (own.vector.empty() || effect.vector == own.vector)) {
      winner = &effect;
      break;
    }
  }
  if (winner == nullptr) {
    return "the winner's cell was not confirmed";
  }
  return judge_effect(*winner, margin).why;
}

// Why a gain is none; empty if it is one.
std::string against_gain(const Contrast& own, const std::string& group,
                         double margin,
                         const std::vector<ChosenEffect>& effects) {
  if (auto why = against_price(own, effects); !why.empty()) {
    return why;
  }
  if (!own.a_tried_no_more()) {
    return own.tried_a && own.tried_b
               ? "the winner is the best of more configurations"
               : "of how many configurations each is the best is not known";
  }
  return against_winner(own, group, margin, effects);
}

HypothesisResult beats_adding(const char* id, const std::string& group,
                              const Json& sweep,
                              const std::vector<ChosenEffect>& effects) {
  auto row = claim_row(id);
  const auto all = contrasts_of(sweep, id);
  if (all.empty()) {
    return row;
  }
  std::set<std::string> compared;
  std::set<std::string> full;  // whose addition left no room
  std::string notes;
  bool all_small = true;
  bool supported = false;
  const Contrast* shown = nullptr;
  const Contrast* least_sure = nullptr;  // of those that left room
  double largest_p = 0.0;
  bool unequal = false;  // a small difference of one that was tried less often
  for (const auto& own : all) {
    const std::string name =
        (own.vector.empty() ? "the blend" : own.vector) + " (" + own.goal + ")";
    const auto room = room_of(own, effects);
    row.room = std::max(room.value_or(1.0), row.room.value_or(0.0));
    const bool has_room = room.value_or(1.0) >= row.margin();
    (has_room ? compared : full).insert(name);
    bool supports = false;
    if (*own.difference.low > 0.0) {
      const auto why = against_gain(own, group, row.margin(), effects);
      supports = why.empty();
      if (!supports) {
        notes += fmt::format("; {}: {}", own.full_text(), why);
      }
    }
    if (has_room) {
      const bool small = *own.difference.high < row.margin();
      all_small = all_small && small;
      unequal = unequal || (small && !own.b_tried_no_more());
      largest_p = std::max(
          largest_p, p_beyond(own.difference, row.margin()).value_or(0.0));
      if (least_sure == nullptr ||
          *own.difference.high > *least_sure->difference.high) {
        least_sure = &own;
      }
    }
    const bool larger =
        shown == nullptr || *own.difference.value > *shown->difference.value;
    if (supports ? !supported || larger : !supported && larger) {
      shown = &own;
    }
    supported = supported || supports;
  }
  const bool small = !supported && !compared.empty() && all_small;
  const bool contradicted = small && !unequal;
  shown = small ? least_sure : shown;
  row.effect = shown->difference;
  row.p = shown->p;
  row.reason = (supported ? ""
                : small   ? "nearest to the margin: "
                          : "largest difference: ") +
               shown->full_text() + notes;
  if (!compared.empty()) {
    row.reason += "; compared with room: " + names_of(compared);
  }
  if (!full.empty()) {
    row.reason += "; at a ceiling: " + names_of(full);
  }
  if (supported) {
    row.decision = Decision::kSupported;
    if (group == "learned") {
      leave_learned_undecided(row);
    }
  } else if (compared.empty()) {
    leave_undecided_without_room(row);
  } else if (contradicted) {
    row.decision = Decision::kContradicted;
    row.p = largest_p;
  } else if (small) {
    row.reason +=
        "; the additions were searched in more configurations, so that no gain "
        "does not say that there is none";
  } else {
    row.reason += undecidable_text(row.effect, row.margin());
  }
  return row;
}

HypothesisResult vectors_differ(const Json& sweep) {
  auto row = claim_row("H2");
  const auto all = contrasts_of(sweep, "H2");
  if (all.empty()) {
    return row;
  }
  bool all_small = true;
  bool any_room = false;
  const Contrast* shown = nullptr;
  std::string described;
  for (const auto& own : all) {
    if (own.at != kDecidingMatch) {
      described += "; not deciding, " + own.text() + " at " + own.at;
      continue;
    }
    const bool has_room = own.room_either_way().value_or(1.0) >= row.margin();
    any_room = any_room || has_room;
    all_small =
        all_small && (!has_room || is_within(own.difference, row.margin()));
    if (own.p && (shown == nullptr || *own.p < shown->p.value_or(2.0))) {
      shown = &own;
    }
  }
  if (shown == nullptr) {
    return not_measured("H2", "not measured at equal displacement" + described);
  }
  row.effect = shown->difference;
  row.room = shown->room_either_way();
  row.reason = shown->text() + " at " + shown->at + described;
  const double p = shown->p.value_or(1.0);
  row.p = p;
  const bool leaves_zero =
      *shown->difference.low > 0.0 || *shown->difference.high < 0.0;
  if (p < kLevel && leaves_zero) {
    row.decision = Decision::kSupported;
  } else if (!any_room) {
    leave_undecided_without_room(row);
  } else if (all_small) {
    row.decision = Decision::kContradicted;
  }
  return row;
}

// One vector and goal at the three prices (sweep_contrasts.cpp); null where a
// side does not reach one.
struct LayerModes {
  const Contrast* equal = nullptr;
  const Contrast* all_for_half = nullptr;  // of one layer's divergence
  const Contrast* one_for_half = nullptr;  // of all layers'

  bool more() const {
    return all_for_half != nullptr && *equal->difference.low > 0.0 &&
           *all_for_half->difference.low > 0.0;
  }
  bool less() const {
    return one_for_half != nullptr && *equal->difference.high < 0.0 &&
           *one_for_half->difference.high < 0.0;
  }
  bool is_small(double margin) const {
    return all_for_half != nullptr && one_for_half != nullptr &&
           is_within(equal->difference, margin) &&
           is_within(all_for_half->difference, margin) &&
           is_within(one_for_half->difference, margin);
  }
};

// What the goals of one vector say: all layers do more, less, the same, or not
// told.
struct Tally {
  bool more = false, less = false, all_small = true, any_room = false;
};

HypothesisResult layer_modes_differ(const Json& sweep) {
  auto row = claim_row("H19");
  const auto all = contrasts_of(sweep, "H19");
  std::map<std::pair<std::string, std::string>, LayerModes> modes;
  for (const auto& own : all) {
    auto& mode = modes[{own.vector, own.goal}];
    (own.at == kDecidingPrice          ? mode.equal
     : own.at == "half the divergence" ? mode.all_for_half
                                       : mode.one_for_half) = &own;
  }
  std::erase_if(modes,
                [](const auto& mode) { return mode.second.equal == nullptr; });
  if (modes.empty()) {
    return row;
  }
  std::map<std::string, Tally> vectors;
  const Contrast* shown = nullptr;
  for (const auto& [key, mode] : modes) {
    const auto& own = *mode.equal;
    auto& tally = vectors[own.vector];
    const bool has_room = own.room_either_way().value_or(1.0) >= row.margin();
    tally.more = tally.more || mode.more();
    tally.less = tally.less || mode.less();
    tally.any_room = tally.any_room || has_room;
    tally.all_small =
        tally.all_small && (!has_room || mode.is_small(row.margin()));
    if (shown == nullptr || own.p.value_or(1.0) < shown->p.value_or(1.0)) {
      shown = &own;
    }
  }
  row.effect = shown->difference;
  row.effect.n = std::ssize(vectors);
  row.room = shown->room_either_way();
  std::size_t more = 0;
  std::size_t less = 0;
  std::size_t same = 0;
  bool any_room = false;
  for (const auto& [name, tally] : vectors) {
    more += tally.more && !tally.less ? 1 : 0;
    less += tally.less && !tally.more ? 1 : 0;
    same += tally.any_room && tally.all_small ? 1 : 0;
    any_room = any_room || tally.any_room;
  }
  row.reason = fmt::format(
      "more for {}, less for {}, the same for {} of {} vectors, also at half "
      "the other's divergence, one training seed; clearest: {}",
      more, less, same, vectors.size(), shown->text());
  if (!any_room) {
    leave_undecided_without_room(row);
  } else if (more == vectors.size() || less == vectors.size()) {
    row.decision = Decision::kSupported;
  } else if (same == vectors.size()) {
    row.decision = Decision::kContradicted;
  }
  return row;
}

}  // namespace

std::vector<HypothesisResult> contrast_claims(
    const Json& sweep, const std::vector<ChosenEffect>& effects) {
  return {vectors_differ(sweep),
          beats_adding("H15", "nonlinear", sweep, effects),
          beats_adding("H15L", "learned", sweep, effects),
          beats_adding("H16", "blend", sweep, effects),
          beats_adding("H17", "projection", sweep, effects),
          layer_modes_differ(sweep)};
}

}  // namespace veer
