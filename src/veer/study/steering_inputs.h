// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "veer/interventions/intervention.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

// A vector as the interventions take it, with the residual norms of the
// model that is to be steered: "base" or "tuned".
SteeringInput steering_input(const SteeringVector& vector,
                             std::string_view model);

// A direction that means nothing, at every layer of the same norm as
// `like`: normal numbers from (seed, name), scaled.
SteeringInput random_input(const SteeringInput& like, const std::string& name,
                           std::uint64_t seed);

}  // namespace veer
