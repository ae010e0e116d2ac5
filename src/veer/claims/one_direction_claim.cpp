// SPDX-License-Identifier: MIT
#include "veer/claims/one_direction_claim.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/number_text.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/measure_of.h"
#include "veer/metrics/present_mean.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

constexpr double kNoEffect = 0.1;     // "works" and "fails" of an effect
constexpr double kSmallestGap = 0.1;  // between the models

bool is_private_part(const ChosenEffect& effect) {
  return effect.group == "part" &&
         parse_vector_name(effect.vector).head == "private";
}

// Share of the gap between the models that a chosen effect closes.
Measure closed_share(const SweepEvidence& evidence,
                     const ChosenEffect& effect) {
  const bool induces = effect.goal == "induction";
  const auto label = induces ? AnswerLabel::kDeceptive : AnswerLabel::kHonest;
  const Json* cell = evidence.cell(effect.cell);
  const Json* own = evidence.unsteered(induces ? "base" : "tuned");
  const Json* other = evidence.unsteered(induces ? "tuned" : "base");
  if (cell == nullptr || own == nullptr || other == nullptr) {
    return Measure::none("only one of the two models was asked");
  }
  const auto steered = evidence.labelled(*cell, label);
  const auto wanted = evidence.labelled(*other, label);
  const double gap =
      present_mean(wanted) - present_mean(evidence.labelled(*own, label));
  if (!(gap >= kSmallestGap)) {
    return Measure::none("the two models differ by less than 10 points");
  }
  const auto n = std::ssize(steered);
  auto closed = measure_of(
      share_difference(steered, n, wanted, n, 0.95, evidence.units()));
  for (auto* bound : {&closed.value, &closed.low, &closed.high}) {
    if (*bound) {
      *bound = 1.0 + **bound / gap;
    }
  }
  return closed;
}

std::string closed_text(const ChosenEffect& effect, const Measure& closed,
                        const EffectStanding& standing) {
  const auto head = fmt::format("{}, {}: ", effect.vector, effect.goal);
  if (!closed.value || !closed.low || !closed.high) {
    return head + closed.reason;
  }
  return head + fmt::format("{} % of the gap [{}, {}]{}",
                            rounded(100.0 * *closed.value, 0),
                            rounded(100.0 * *closed.low, 0),
                            rounded(100.0 * *closed.high, 0),
                            standing.standing == Standing::kWorks ? ", works"
                            : standing.why.empty()                ? ", fails"
                                                   : ", " + standing.why);
}

HypothesisResult suffices(const SweepEvidence& evidence) {
  auto row = claim_row("H9");
  std::size_t goals = 0;
  std::size_t reached = 0;
  bool below = false;
  std::string text;
  for (const char* goal : {"induction", "suppression"}) {
    const auto* chosen = chosen_on_select(evidence.effects(), goal, "linear");
    if (chosen == nullptr) {
      continue;
    }
    ++goals;
    const auto closed = closed_share(evidence, *chosen);
    const auto standing = judge_effect(*chosen, kNoEffect);
    text += (text.empty() ? "" : "; ") + closed_text(*chosen, closed, standing);
    if (!closed.value || !closed.low || !closed.high) {
      continue;
    }
    const bool works = standing.standing == Standing::kWorks;
    reached += works && *closed.low >= row.margin() ? 1 : 0;
    below = below || *closed.high < row.margin();
    if (!row.effect.value || *closed.value < *row.effect.value) {
      row.effect = closed;
    }
  }
  if (goals == 0) {
    return row;
  }
  if (!row.effect.value) {
    row.effect = Measure::none("no gap to close");
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

// How many configurations the parts were tried in at least, and the vectors'
// plain additions at most.
struct Tried {
  std::optional<std::int64_t> parts;
  std::optional<std::int64_t> vectors;

  // Nothing found by a smaller search is not shown to be nothing.
  bool enough() const { return parts && vectors && *parts >= *vectors; }
  std::string text() const {
    return parts && vectors
               ? fmt::format(
                     "; parts are the best of {} configurations, the "
                     "vectors of {}",
                     *parts, *vectors)
               : "; of how many configurations each is the best is not known";
  }
};

Tried tried_of(const std::vector<ChosenEffect>& effects) {
  Tried tried;
  for (const auto& effect : effects) {
    if (!effect.candidates) {
      continue;
    }
    if (is_private_part(effect)) {
      tried.parts = std::min(tried.parts.value_or(*effect.candidates),
                             *effect.candidates);
    } else if (effect.group == "linear") {
      tried.vectors = std::max(tried.vectors.value_or(0), *effect.candidates);
    }
  }
  return tried;
}

HypothesisResult is_unique(const std::vector<ChosenEffect>& effects) {
  auto row = claim_row("H9U");
  std::size_t parts = 0;
  std::size_t failing = 0;
  std::string text;
  std::string limit;
  const ChosenEffect* shown = nullptr;
  bool any_works = false;
  for (const auto& effect : effects) {
    if (!is_private_part(effect)) {
      continue;
    }
    ++parts;
    const auto judgement = judge_effect(effect, row.margin());
    const bool works = judgement.standing == Standing::kWorks;
    failing += judgement.standing == Standing::kFails ? 1 : 0;
    limit = limit.empty() ? judgement.limit : limit;
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
  const auto tried = tried_of(effects);
  row.effect = shown->effect;
  row.room = shown->room;
  row.reason = text + tried.text();
  const bool has_first = std::ranges::any_of(effects, [&](const auto& effect) {
    return effect.group == "linear" &&
           judge_effect(effect, row.margin()).standing == Standing::kWorks;
  });
  if (!any_works && !has_first) {
    row.decision = Decision::kVoid;
    row.reason = "no first direction works; " + row.reason;
    return row;
  }
  row.p = p_beyond(row.effect, 0.0);
  if (any_works) {
    row.decision = Decision::kContradicted;
  } else if (failing == parts && !tried.enough()) {
    row.reason += "; that none works there does not say that none does";
  } else if (failing == parts) {
    row.decision = Decision::kSupported;
    row.p = p_beyond(row.effect, row.margin());
  } else {
    row.reason += limit;
  }
  return row;
}

}  // namespace

std::vector<HypothesisResult> one_direction_claims(
    const SweepEvidence& evidence) {
  return {suffices(evidence), is_unique(evidence.effects())};
}

}  // namespace veer
