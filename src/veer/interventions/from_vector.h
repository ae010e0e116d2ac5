// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "veer/interventions/intervention.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

// A vector as the input of an intervention on `side` ("base" or "tuned"):
// its directions, the residual norms measured on that side and the spread of
// tokens along it. What the vector does not know stays empty, and units that
// need it refuse.
SteeringInput input_of(const SteeringVector& vector, std::string_view side);

}  // namespace veer
