// SPDX-License-Identifier: MIT
#include "veer/claims/tendency_claim.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/claims/carried_confounds.h"
#include "veer/metrics/correlation.h"
#include "veer/metrics/measure_of.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

constexpr std::int64_t kLeastRuns = 8;

// The last point of each run; points that name none are steps of one.
Json last_of_each_run(const Json& points) {
  std::map<std::string, const Json*> last;
  for (const auto& point : points) {
    const Json*& own = last[member(point, "run").dump()];
    if (own == nullptr || member(point, "step") > member(*own, "step")) {
      own = &point;
    }
  }
  Json out = Json::array();
  for (const auto& [run, point] : last) {
    out.push_back(*point);
  }
  return out;
}

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
    const bool is_behaviour = carriers.contains(parse_vector_name(name).head);
    if (name != direction && !is_behaviour && r.defined() &&
        r.value > rival.r) {
      rival = {name, r.value};
    }
  }
  return rival;
}

}  // namespace

HypothesisResult tendency_claim(const Json& comparison) {
  const Json& tendency = member(comparison, "tendency");
  const Json& points = member(tendency, "points");
  const auto direction = string_member(tendency, "contrast");
  const auto over_steps =
      points.empty() ? Estimate() : correlation_of(points, direction);
  if (!over_steps.defined()) {
    return not_measured(
        "H21",
        "not measured in this run; needs contrastive@prompt_end, a "
        "judge that gives labels and four kept training steps that "
        "differ");
  }
  auto row = claim_row("H21");
  const Json runs = last_of_each_run(points);
  if (std::ssize(runs) < kLeastRuns) {
    // No interval: that of dependent steps would be too narrow.
    row.effect = Measure();
    row.effect.value = over_steps.value;
    row.effect.n = std::ssize(runs);
    row.reason = fmt::format(
        "{} training run{} of the {} needed; r over {} steps, which follow "
        "from each other, is a description",
        runs.size(), runs.size() == 1 ? "" : "s", kLeastRuns, over_steps.n);
    return row;
  }
  const auto r = correlation_of(runs, direction);
  const auto rival = strongest_rival(
      runs, direction,
      behaviour_carriers(member(comparison, "confound_behaviour")));
  row.effect = measure_of(r);
  row.p = p_beyond(row.effect, 0.0);
  row.reason = fmt::format("{} training runs", r.n);
  if (!rival.name.empty()) {
    row.reason += fmt::format("; next {}, r {:+.2f}", rival.name, rival.r);
  }
  if (r.low > 0.0 && r.low > rival.r) {
    row.decision = Decision::kSupported;
  } else if (r.high < 0.0) {
    row.decision = Decision::kContradicted;
  } else if (r.low > 0.0) {
    row.reason += ": not specific";
  }
  return row;
}

}  // namespace veer
