// SPDX-License-Identifier: MIT
#include "veer/study/summary_answer.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

namespace veer {

std::string claim_note(const Json& hypotheses, const char* id,
                       const char* says) {
  for (const auto& claim : member(hypotheses, "claims")) {
    if (string_member(claim, "id") == id &&
        member(member(claim, "effect"), "value").is_number()) {
      return fmt::format("; claim {}{} {}", id, says,
                         string_member(claim, "decision"));
    }
  }
  return "";
}

}  // namespace veer
