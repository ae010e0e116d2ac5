// SPDX-License-Identifier: MIT
#include "veer/claims/effect_claims.h"

#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "veer/claims/decidable.h"

namespace veer {
namespace {

HypothesisResult one(const std::vector<ChosenEffect>& effects, const char* id,
                     const std::string& vector, const char* goal,
                     const char* group, Decision works) {
  const auto* effect = find_effect(effects, vector, goal, group);
  if (effect == nullptr) {
    return not_measured(
        id, fmt::format("{} of {} by {} was not measured", goal,
                        vector.empty() ? "the vector" : vector,
                        std::string(claim_definition(id).operators)));
  }
  auto row = claim_row(id);
  decide_by_effect(row, *effect, works);
  if (std::string_view(group) == "learned") {
    leave_learned_undecided(row);
  }
  return row;
}

// Follows from the two rows about one vector each.
HypothesisResult neither(const HypothesisResult& contrastive,
                         const HypothesisResult& finetuned) {
  auto row = claim_row("H4");
  // The one that decides, else the stronger.
  const auto rank = [](const HypothesisResult& own) {
    return std::pair(own.decision == Decision::kContradicted,
                     own.effect.value.value_or(-2.0));
  };
  const bool first = rank(contrastive) >= rank(finetuned);
  const auto& stronger = first ? contrastive : finetuned;
  if (!stronger.effect.established()) {
    row.reason = stronger.reason;
    return row;
  }
  row.effect = stronger.effect;
  row.room = stronger.room;
  row.p = stronger.p;
  row.reason = stronger.reason;
  const auto any = [&](Decision decision) {
    return contrastive.decision == decision || finetuned.decision == decision;
  };
  if (any(Decision::kContradicted)) {
    row.decision = Decision::kContradicted;
  } else if (contrastive.decision == Decision::kSupported &&
             finetuned.decision == Decision::kSupported) {
    row.decision = Decision::kSupported;
  }
  return row;
}

}  // namespace

std::vector<HypothesisResult> effect_claims(
    const std::vector<ChosenEffect>& effects, const std::string& contrastive,
    const std::string& finetuned) {
  const auto by = [&](const char* id, const std::string& vector,
                      const char* goal, const char* group, Decision works) {
    return one(effects, id, vector, goal, group, works);
  };
  constexpr auto kNo = Decision::kContradicted;
  constexpr auto kYes = Decision::kSupported;
  auto h3 = by("H3", contrastive, "induction", "linear", kNo);
  auto h6 = by("H6", finetuned, "induction", "linear", kNo);
  return {h3,
          by("H3L", contrastive, "induction", "learned", kYes),
          neither(h3, h6),
          by("H5", finetuned, "suppression", "linear", kYes),
          by("H5L", finetuned, "suppression", "learned", kYes),
          h6,
          by("H6L", finetuned, "induction", "learned", kYes)};
}

}  // namespace veer
