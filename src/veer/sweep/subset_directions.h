// SPDX-License-Identifier: MIT
//
// The same vector from fewer questions: how much do more of them help?
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/vectors/vector_rows.h"

namespace veer {

// [L, D] fp32: mean difference over `count` questions of `rows`, drawn without
// replacement from (seed, name) alone, the same ones at every layer. Summed in
// fp64. Throws Error when there are fewer questions or none is asked for.
at::Tensor subset_directions(const VectorRows& rows, std::int64_t count,
                             const std::string& name, std::uint64_t seed);

}  // namespace veer
