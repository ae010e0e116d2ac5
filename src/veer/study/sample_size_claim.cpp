// SPDX-License-Identifier: MIT
#include "veer/study/sample_size_claim.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/metrics/intervals.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kSmall = 0.1;
constexpr double kLevel = 0.05;

struct Gain {
  std::string vector, goal, layers;
  bool acts = false;  // the vector of all questions moves the goal
  std::int64_t few = 0;
  std::int64_t all = 0;
  Measure difference;
  // Bounds that hold for all gains together.
  double low = 0.0;
  double high = 0.0;
};

std::vector<Gain> gains_of(const Json& sweep, const std::string& contrastive,
                           const std::string& finetuned) {
  std::vector<Gain> gains;
  for (const auto& entry : member(sweep, "groups")) {
    const auto vector = string_member(entry, "vector");
    const Json& fewer = member(entry, "fewer_questions");
    const Json& difference = member(fewer, "difference");
    if (string_member(entry, "group") != "linear" ||
        (vector != contrastive && vector != finetuned) ||
        string_member(entry, "measure") == "score" ||
        !member(difference, "low").is_number() ||
        !member(difference, "high").is_number()) {
      continue;
    }
    Gain gain;
    gain.vector = vector;
    gain.goal = string_member(entry, "goal");
    gain.layers = string_member(entry, "layers");
    const Json& whole = member(member(entry, "effect"), "low");
    gain.acts = whole.is_number() && whole.get<double>() > 0.0;
    gain.few = fewer.value("questions", std::int64_t{0});
    gain.all = fewer.value("of", std::int64_t{0});
    gain.difference.value = difference.at("value").get<double>();
    gain.difference.low = difference.at("low").get<double>();
    gain.difference.high = difference.at("high").get<double>();
    gain.difference.n = difference.value("n", std::int64_t{0});
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

HypothesisResult sample_size_claim(const Json& comparison, const Json& sweep,
                                   const std::string& contrastive,
                                   const std::string& finetuned) {
  HypothesisResult result;
  result.id = "H12";
  result.claim = "More questions make a better vector";
  result.statistic =
      "effect of all minus of few questions, plain addition, paired";
  result.unit = "share";
  result.sharpen = "sweep.best_questions";
  const auto gains = gains_of(sweep, contrastive, finetuned);
  if (gains.empty()) {
    result.reason =
        "not measured in this run; needs a judge that gives labels and more "
        "questions than sweep.subset_questions";
    result.effect = Measure::none("not measured");
    return result;
  }
  const auto largest = std::ranges::max_element(
      gains, {}, [](const Gain& gain) { return *gain.difference.value; });
  const auto proven = std::ranges::max_element(gains, {}, &Gain::low);
  const bool is_proven = proven->low > 0.0;
  const Gain& shown = is_proven ? *proven : *largest;
  result.effect = shown.difference;
  result.reason = fmt::format("{} minus {} questions, {}, {}{}", shown.all,
                              shown.few, shown.vector, shown.goal,
                              reliability_text(comparison, shown));
  if (is_proven) {
    result.decision = Decision::kSupported;
  } else if (std::ranges::none_of(gains, &Gain::acts)) {
    result.reason += "; adding moves nothing, whatever the vector is made of";
  } else if (std::ranges::all_of(
                 gains, [](const Gain& gain) { return gain.high < kSmall; })) {
    result.decision = Decision::kContradicted;
  }
  return result;
}

}  // namespace veer
