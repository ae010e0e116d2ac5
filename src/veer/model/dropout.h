// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace veer {

// Which elements of x stay when each is dropped with this chance, in x's shape
// and where x lies: 1 or 0, fp32 on a CPU, bool on a card. The same elements
// for the same seed and shape. A card draws its own: others than a CPU does,
// and others again on a card with another number of processors.
at::Tensor kept_elements(const at::Tensor& x, double chance,
                         std::uint64_t seed);

}  // namespace veer
