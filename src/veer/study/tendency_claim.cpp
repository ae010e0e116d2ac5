// SPDX-License-Identifier: MIT
#include "veer/study/tendency_claim.h"

#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/metrics/cell_hypotheses.h"
#include "veer/metrics/correlation.h"
#include "veer/study/confound_behaviour.h"

namespace veer {
namespace {

Estimate correlation_of(const Json& points, const std::string& direction) {
  std::vector<double> along;
  std::vector<double> deceptive;
  for (const auto& point : points) {
    const Json& value = member(member(point, "along"), direction.c_str());
    const Json& share = member(point, "deceptive");
    if (value.is_number() && share.is_number()) {
      along.push_back(value.get<double>());
      deceptive.push_back(share.get<double>());
    }
  }
  return pearson(along, deceptive);
}

struct Rival {
  std::string name;
  double r = -2.0;
};

// The other direction that goes with the behaviour most.
Rival strongest_rival(const Json& points, const std::string& direction,
                      const std::set<std::string>& carriers) {
  Rival rival;
  for (const auto& [name, value] : member(points.front(), "along").items()) {
    const auto r = correlation_of(points, name);
    const bool is_behaviour = carriers.contains(name.substr(0, name.find('@')));
    if (name != direction && !is_behaviour && r.defined() &&
        r.value > rival.r) {
      rival = {name, r.value};
    }
  }
  return rival;
}

}  // namespace

HypothesisResult tendency_claim(const Json& comparison) {
  HypothesisResult result;
  result.id = "H21";
  result.claim = "The fine-tuned direction is a tendency";
  result.statistic =
      "r of the prompt end's shift along the contrastive vector with the "
      "deceptive share, over training steps";
  result.unit = "correlation";
  result.sharpen = "finetune.evaluate_every";
  const Json& tendency = member(comparison, "tendency");
  const Json& points = member(tendency, "points");
  const auto direction = string_member(tendency, "contrast");
  const auto r =
      points.empty() ? Estimate() : correlation_of(points, direction);
  if (!r.defined()) {
    result.reason =
        "not measured in this run; needs contrastive@prompt_end, a judge that "
        "gives labels and four kept training steps that differ";
    result.effect = Measure::none("not measured");
    return result;
  }
  result.effect = measure_of(r);
  const auto rival = strongest_rival(
      points, direction,
      behaviour_carriers(member(comparison, "confound_behaviour")));
  result.reason = fmt::format(
      "{} steps of one training run, which are not independent", r.n);
  if (!rival.name.empty()) {
    result.reason += fmt::format("; next {}, r {:+.2f}", rival.name, rival.r);
  }
  if (r.low > 0.0 && r.low > rival.r) {
    result.decision = Decision::kSupported;
  } else if (r.high < 0.0) {
    result.decision = Decision::kContradicted;
  } else if (r.low > 0.0) {
    result.reason += ": not specific";
  }
  return result;
}

}  // namespace veer
