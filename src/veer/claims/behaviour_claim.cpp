// SPDX-License-Identifier: MIT
#include "veer/claims/behaviour_claim.h"

#include <array>
#include <optional>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/measure_of.h"

namespace veer {
namespace {

constexpr std::array kClaims = {"H1", "H2", "H3", "H4", "H5",
                                "H6", "H7", "H8", "H25"};

// What the runs of one behaviour say of one claim.
struct Verdict {
  bool supported = false;
  bool positive = false;  // the mean effect
  bool operator==(const Verdict&) const = default;
};

std::optional<Verdict> verdict_of(std::span<const BehaviourRun> runs,
                                  const std::string& behaviour,
                                  std::string_view id) {
  int votes = 0;
  double sum = 0.0;
  for (const auto& run : runs) {
    if (run.behaviour != behaviour) {
      continue;
    }
    for (const auto& claim : member(run.hypotheses, "claims")) {
      const auto decision = string_member(claim, "decision");
      const Json& value = member(member(claim, "effect"), "value");
      if (string_member(claim, "id") == id && value.is_number()) {
        votes += decision == "supported" ? 1 : 0;
        votes -= decision == "contradicted" ? 1 : 0;
        sum += value.get<double>();
      }
    }
  }
  return votes == 0 ? std::nullopt
                    : std::optional(Verdict{votes > 0, sum > 0.0});
}

}  // namespace

HypothesisResult behaviour_claim(std::span<const BehaviourRun> runs) {
  auto result = claim_row("H26");
  std::set<std::string> others;
  for (const auto& run : runs) {
    others.insert(run.behaviour);
  }
  others.erase("");
  std::int64_t both = 0;
  std::int64_t same = 0;
  std::string differ;
  for (const auto& behaviour : others) {
    for (const char* id : kClaims) {
      const auto here = verdict_of(runs, "", id);
      const auto there = verdict_of(runs, behaviour, id);
      if (here && there) {
        ++both;
        same += *here == *there ? 1 : 0;
        if (*here != *there) {
          differ += fmt::format("{}{}", differ.empty() ? "" : ", ", id);
        }
      }
    }
  }
  if (both == 0) {
    result.effect = Measure::none("not measured");
    result.reason = "no claim that studies of two behaviours both decide";
    return result;
  }
  const auto share = wilson(same, both);
  result.effect = measure_of(share);
  result.reason =
      fmt::format("{} of {} claims decided in both are alike{}", same, both,
                  differ.empty() ? "" : "; not " + differ);
  decide_by_interval(result, result.margin(), result.margin());
  return result;
}

}  // namespace veer
