// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace veer {

// Length of the longest common subsequence, bit-parallel (Hyyro 2004): about
// |a| |b| / 64 steps.
std::int64_t longest_common_subsequence(std::span<const std::uint64_t> a,
                                        std::span<const std::uint64_t> b);

}  // namespace veer
