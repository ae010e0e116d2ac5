// SPDX-License-Identifier: MIT
#include "veer/study/contrast_claims.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/study/vector_names.h"

namespace veer {
namespace {

constexpr double kFails = 0.1;  // points below which an effect is none
constexpr double kOneDirection = 0.8;
constexpr double kSamePrice = 1.1;

std::optional<double> number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number()
             ? std::optional(found->get<double>())
             : std::nullopt;
}

Measure measure_of(const Json& estimate) {
  const auto value = number(estimate, "value");
  if (!value) {
    return Measure::none("undefined");
  }
  Measure measure;
  measure.value = value;
  measure.low = number(estimate, "low");
  measure.high = number(estimate, "high");
  measure.n = estimate.value("n", std::int64_t{0});
  return measure;
}

HypothesisResult unmeasured(const char* id, const char* claim,
                            const char* statistic, const char* sharpen) {
  HypothesisResult result;
  result.id = id;
  result.claim = claim;
  result.statistic = statistic;
  result.reason = "not measured";
  result.effect = Measure::none("not measured");
  result.sharpen = sharpen;
  return result;
}

const Json& list_of(const Json& sweep, const char* key) {
  static const Json kNone = Json::array();
  const auto found = sweep.find(key);
  return found != sweep.end() && found->is_array() ? *found : kNone;
}

std::pair<std::string, std::string> study_pair(const Json& sweep) {
  std::vector<std::string> names;
  for (const auto& entry : list_of(sweep, "best")) {
    names.push_back(entry.value("vector", ""));
  }
  return primary_pair(names);
}

// Whether the first side's divergence is not much larger than the second's.
bool same_price(const Json& entry) {
  const auto a = number(entry, "divergence_a");
  const auto b = number(entry, "divergence_b");
  return !a || !b || *a <= kSamePrice * *b;
}

struct Row {
  const char* id;
  const char* claim;
};

HypothesisResult decide(const Json& sweep, const Row& row) {
  auto result = unmeasured(
      row.id, row.claim,
      "best of select minus best plain addition, paired, max-t", "sweep.grid");
  const auto pair = study_pair(sweep);
  std::size_t count = 0;
  bool all_small = true;
  bool bought = false;
  for (const auto& entry : list_of(sweep, "contrasts")) {
    const auto vector = entry.value("vector", "");
    if (entry.value("claim", "") != row.id || !entry.contains("simultaneous") ||
        (!vector.empty() && vector != pair.first && vector != pair.second)) {
      continue;
    }
    const auto effect = measure_of(entry.at("simultaneous"));
    if (!effect.value || !effect.low || !effect.high) {
      continue;
    }
    ++count;
    all_small = all_small && *effect.high < kFails;
    const bool gains = *effect.low > 0.0;
    bought = bought || (gains && !same_price(entry));
    const bool supports = gains && same_price(entry);
    const bool larger =
        !result.effect.value || *effect.value > *result.effect.value;
    if (supports && result.decision != Decision::kSupported) {
      result.decision = Decision::kSupported;
      result.effect = effect;
      result.reason = entry.value("what", "") + ", " + entry.value("goal", "");
    } else if (result.decision != Decision::kSupported && larger) {
      result.effect = effect;
      result.reason = "largest difference: " + entry.value("what", "") + ", " +
                      entry.value("goal", "");
    }
  }
  if (count > 0 && result.decision != Decision::kSupported) {
    result.decision =
        all_small ? Decision::kContradicted : Decision::kUndecided;
    if (bought) {
      result.reason += "; a gain there costs more divergence";
    }
  }
  return result;
}

HypothesisResult one_direction(const Json& sweep) {
  auto result =
      unmeasured("H9", "Deception is not one direction",
                 "effect of the better study vector over that of copied states",
                 "sweep.control_questions");
  const auto pair = study_pair(sweep);
  std::size_t reached = 0;
  std::size_t goals = 0;
  for (const char* goal : {"induction", "suppression"}) {
    Measure best = Measure::none("undefined");
    for (const auto& entry : list_of(sweep, "best")) {
      const auto vector = entry.value("vector", "");
      if (entry.value("goal", "") != goal || !entry.contains("of_ceiling") ||
          (vector != pair.first && vector != pair.second)) {
        continue;
      }
      const auto share = measure_of(entry.at("of_ceiling"));
      if (share.value && (!best.value || *share.value > *best.value)) {
        best = share;
      }
    }
    if (!best.value || !best.low || !best.high) {
      continue;
    }
    ++goals;
    reached += *best.low >= kOneDirection;
    if (!result.effect.value || *best.value < *result.effect.value) {
      result.effect = best;
      result.reason = fmt::format(
          "{}: one direction reaches {:.0f} % of the "
          "ceiling",
          goal, 100.0 * *best.value);
    }
    if (*best.high < kOneDirection) {
      result.decision = Decision::kSupported;
    }
  }
  if (goals > 0 && reached == goals) {
    result.decision = Decision::kContradicted;
  }
  return result;
}

}  // namespace

std::vector<HypothesisResult> contrast_claims(const Json& sweep) {
  std::vector<HypothesisResult> results = {one_direction(sweep)};
  for (const auto& row :
       {Row{"H15", "Nonlinear operators beat adding"},
        Row{"H16", "A blend beats each vector alone"},
        Row{"H17", "Projection shifts behaviour better than adding"}}) {
    results.push_back(decide(sweep, row));
  }
  return results;
}

}  // namespace veer
