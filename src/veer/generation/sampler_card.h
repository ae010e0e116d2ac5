// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <ATen/core/Tensor.h>

#include "veer/generation/request.h"

namespace veer {

// What draw() (sampler.h) draws from each row, where the logits lie: nothing of
// them goes to the host, which does not wait either. Rows of temperature 0 get
// the token of greedy_B. uniforms: a number in [0, 1) for each row, that of its
// own random stream; a row's token depends on no other row. The set that top_k
// and top_p keep is draw()'s, equal weights by id; weights and their sums are
// fp64, added up in another order, so that a number within 1e-15 of the border
// between two tokens may fall to the other. Rows that are not finite get some
// token. int64 [B].
at::Tensor drawn_on_card(const at::Tensor& logits_BV,
                         const at::Tensor& greedy_B,
                         std::span<const Sampling> samplings,
                         std::span<const double> uniforms);

}  // namespace veer
