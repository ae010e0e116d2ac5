// SPDX-License-Identifier: MIT
#include "veer/claims/hypotheses.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/number_text.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr const char* kNotMeasured = "not measured";

}  // namespace

std::string decision_name(Decision decision) {
  switch (decision) {
    case Decision::kSupported:
      return "supported";
    case Decision::kContradicted:
      return "contradicted";
    case Decision::kVoid:
      return "void";
    default:
      return "undecided";
  }
}

const ClaimDefinition& claim_definition(std::string_view id) {
  for (const auto& definition : claim_definitions()) {
    if (definition.id == id) {
      return definition;
    }
  }
  fail_run("claims", fmt::format("\"{}\"", id), "an id of the table of claims",
           "a rule without a definition in claims/claim_table.cpp");
}

Json definition_json(const ClaimDefinition& d) {
  return {{"id", d.id},
          {"claim", d.claim},
          {"operators", d.operators},
          {"statistic", d.statistic},
          {"rule", d.rule},
          {"margin", optional_json(d.margin)},
          {"unit", d.unit},
          {"counts", d.counts},
          {"role", d.role}};
}

bool HypothesisResult::measured() const {
  return decision != Decision::kUndecided || effect.reason != kNotMeasured;
}

HypothesisResult claim_row(std::string_view id) {
  return not_measured(id, kNotMeasured);
}

HypothesisResult not_measured(std::string_view id, const std::string& why) {
  HypothesisResult row;
  row.definition = claim_definition(id);
  row.reason = why;
  row.effect = Measure::none(kNotMeasured);
  return row;
}

std::optional<double> p_beyond(const Measure& measure, double bound,
                               std::int64_t degrees) {
  if (!measure.value || !measure.low || !measure.high) {
    return std::nullopt;
  }
  const double away = *measure.value - bound;
  const double reach = away > 0.0 ? *measure.value - *measure.low
                                  : *measure.high - *measure.value;
  if (reach <= 0.0) {
    return std::nullopt;
  }
  if (degrees <= 0 && measure.clusters < 2) {
    const double z = normal_quantile(0.975) * std::abs(away) / reach;
    return 2.0 * normal_cdf(-z);
  }
  const auto own =
      static_cast<double>(degrees > 0 ? degrees : measure.clusters - 1);
  const double t = t_point(0.025, own) * std::abs(away) / reach;
  const double least =
      measure.clusters < 2
          ? 0.0
          : std::exp2(1.0 - static_cast<double>(measure.clusters));
  return std::max(least, 2.0 * t_upper_tail(t, own));
}

void decide_by_interval(HypothesisResult& row, double above, double below) {
  const auto& effect = row.effect;
  row.decision = Decision::kUndecided;
  row.p = p_beyond(effect, above);
  if (effect.low && *effect.low > above) {
    row.decision = Decision::kSupported;
  } else if (effect.high && *effect.high < below) {
    row.decision = Decision::kContradicted;
    row.p = p_beyond(effect, below);
  }
}

void leave_undecided_without_room(HypothesisResult& row) {
  row.decision = Decision::kUndecided;
  const bool share = row.definition.unit == "share";
  const double factor = share ? 100.0 : 1.0;
  const int decimals = share ? 0 : 2;
  row.reason =
      fmt::format("no room: {}{} were left, the margin is {}; {}",
                  rounded(factor * row.room.value_or(0.0), decimals),
                  share ? " points" : "",
                  rounded(factor * row.margin(), decimals), row.reason);
}

Json hypothesis_json(const HypothesisResult& result) {
  Json row = definition_json(result.definition);
  row["decision"] = decision_name(result.decision);
  row["reason"] = result.reason;
  row["effect"] = measure_json(result.effect);
  row["p"] = optional_json(result.p);
  row["holm_p"] = optional_json(result.holm_p);
  row["room"] = optional_json(result.room);
  row["sharpen"] = result.definition.sharpen;
  return row;
}

}  // namespace veer
