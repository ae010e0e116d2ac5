// SPDX-License-Identifier: MIT
#include "veer/study/summary/answer.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

namespace veer {
namespace {

// Empty of a claim without a number.
std::string decision_of(const Json& hypotheses, const char* id) {
  for (const auto& claim : member(hypotheses, "claims")) {
    if (string_member(claim, "id") == id &&
        member(member(claim, "effect"), "value").is_number()) {
      return string_member(claim, "decision");
    }
  }
  return "";
}

}  // namespace

std::string claim_note(const Json& hypotheses, const char* id) {
  const auto decision = decision_of(hypotheses, id);
  return decision.empty() ? "" : fmt::format("; claim {} {}", id, decision);
}

std::string denial_note(const Json& hypotheses, const char* id) {
  const auto decision = decision_of(hypotheses, id);
  if (decision.empty()) {
    return "";
  }
  return decision == "supported" ? fmt::format("; it does not ({})", id)
         : decision == "contradicted"
             ? fmt::format("; it does ({})", id)
             : fmt::format("; whether it does is {} ({})", decision, id);
}

}  // namespace veer
