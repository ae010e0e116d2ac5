// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/random.h"
#include "veer/generation/request.h"

namespace veer {

// One drawn token and its log-probability at temperature 1.
struct DrawnToken {
  std::int32_t id = 0;
  float log_prob = 0.0F;
};

// Draws from one row of logits. Greedy takes the first of equal maxima and
// no random number; otherwise exactly one number of `random` is used.
std::int32_t draw(std::span<const float> logits, const Sampling& sampling,
                  Random& random);

// One token per row. logits_BV: any float dtype and device; samplings and
// randoms: one per row. A row with non-finite logits gets a NaN log_prob.
// choice_BV, where given, are the logits that tokens are chosen by (under a
// penalty); log-probabilities are those of logits_BV all the same. On a card
// rows are drawn there (sampler_card.h): the host waits twice and reads two
// numbers a row.
std::vector<DrawnToken> draw_rows(const at::Tensor& logits_BV,
                                  std::span<const Sampling> samplings,
                                  std::span<Random* const> randoms,
                                  const at::Tensor& choice_BV = {});

}  // namespace veer
