// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "veer/interventions/intervention.h"

namespace veer {

// A direction that means nothing, at every layer of the same norm as
// `like`: normal numbers from (seed, name), scaled.
SteeringInput random_input(const SteeringInput& like, const std::string& name,
                           std::uint64_t seed);

}  // namespace veer
