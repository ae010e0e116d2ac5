// SPDX-License-Identifier: MIT
//
// What a steering does to texts that have nothing to do with its behaviour.
// The text is the unit: its tokens are one sample.
#pragma once

#include <cstdint>
#include <span>

#include "veer/generation/divergence.h"
#include "veer/metrics/estimate.h"

namespace veer {

struct SideEffects {
  Estimate mean_divergence;  // KL per token, nats: mean over texts
  Estimate p95_divergence;   // 95th percentile over all tokens, nats
  Estimate log_prob_change;  // of the text's own answer per token, nats
  Estimate top_kept;         // share of tokens whose likeliest one stays
};

// Intervals are percentile bootstraps over texts, that of the percentile too;
// one text has none. Where a divergence is not finite only top_kept is known:
// the mean of the rest would be too small. Throws Error on no text.
SideEffects side_effects(std::span<const AnswerShift> texts,
                         std::uint64_t seed);

// Mean of what several vectors do, each measured on the same texts: the vector
// is the unit, intervals are Student's over vectors; one vector has none. What
// is not known of one is not known of their mean.
// Throws Error on no vector.
SideEffects mean_over_vectors(std::span<const SideEffects> vectors);

}  // namespace veer
