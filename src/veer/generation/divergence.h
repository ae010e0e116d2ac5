// SPDX-License-Identifier: MIT
//
// How far an intervention moves a model's next-token distributions: the price
// at which effects of different operators can be compared.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "veer/base/progress.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"

namespace veer {

// A text whose distributions are compared.
struct DivergenceText {
  std::vector<std::int32_t> ids;   // prompt and answer
  std::int64_t prompt_length = 1;  // below the number of ids
  PositionRange thinking;          // of its think block
};

struct DivergenceSetting {
  std::int64_t configuration = -1;  // row of the table
  double adapter_strength = 0.0;
  double donor_strength = 1.0;  // when the configuration patches
};

// KL(p_steered || p_unsteered) in nats per token: one value for each token of
// an answer but the first is predicted by an answer token, the first by the
// prompt's last. [setting][token of all texts in order], fp32 logits, sums in
// fp64. Both sides have the setting's adapter strength.
// `max_tokens`: tokens in one pass (speed and memory only).
// Throws Error on a text without an answer and on logits that are not finite.
std::vector<std::vector<double>> token_divergences(
    const Transformer& model, InterventionTable& table,
    std::span<const DivergenceText> texts,
    std::span<const DivergenceSetting> settings, std::int64_t max_tokens = 4096,
    const Monitor& monitor = {});

struct DivergenceSummary {
  double mean = 0.0;
  double p95 = 0.0;
};
// Throws Error on no values.
DivergenceSummary summarise_divergence(std::span<const double> tokens);

}  // namespace veer
