// SPDX-License-Identifier: MIT
//
// A vector made anew without some of its questions, from the rows behind it:
// what a question may be measured with when it is itself among them.
#pragma once

#include <set>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/vectors/methods.h"
#include "veer/vectors/steering_vector.h"
#include "veer/vectors/vector_rows.h"

namespace veer {

// The rows whose questions are not in `ids`, in their order.
VectorRows rows_without(const VectorRows& rows,
                        const std::set<std::string>& ids);

// Directions [L, D] fp32 that the method of `vector` makes of `rows`; zero at a
// layer whose two sides are the same, as where a vector was not extracted.
// Throws Error as fit_direction() does, with too few rows for the method.
at::Tensor refitted_directions(const SteeringVector& vector,
                               const VectorRows& rows,
                               const MethodOptions& options);

}  // namespace veer
