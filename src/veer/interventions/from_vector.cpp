// SPDX-License-Identifier: MIT
#include "veer/interventions/from_vector.h"

#include <vector>

#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {

SteeringInput input_of(const SteeringVector& vector, std::string_view side) {
  if (side != "base" && side != "tuned") {
    fail("steering input", fmt::format("side \"{}\"", side), "base or tuned");
  }
  const auto norms = [&](std::string_view kind) {
    const auto found =
        vector.residual_norms.find(fmt::format("{}.{}", side, kind));
    return found == vector.residual_norms.end() ? std::vector<double>{}
                                                : found->second;
  };
  SteeringInput input;
  input.name = vector.name;
  input.directions_LD = vector.directions_LD;
  input.norms = {norms("prompt"), norms("prompt_end"), norms("generated")};
  input.sigma_L = vector.tokens.sd;
  return input;
}

}  // namespace veer
