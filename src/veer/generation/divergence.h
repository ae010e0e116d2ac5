// SPDX-License-Identifier: MIT
//
// How far an intervention moves a model's next-token distributions: the price
// at which effects of different operators can be compared.
#pragma once

#include <cstdint>
#include <optional>
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
  // Adapter strength of the unsteered side; the setting's own by default.
  std::optional<double> plain_strength = std::nullopt;
  // The same answers behind other prompts, for this setting's own side only;
  // empty = the texts themselves.
  std::span<const DivergenceText> texts = {};
};

// KL(p_steered || p_unsteered) in nats per token: one value for each token of
// an answer but the first is predicted by an answer token, the first by the
// prompt's last. [setting][token of all texts in order], fp32 logits, sums in
// fp64.
// `max_tokens`: tokens in one pass (speed and memory only).
// NaN where the logits under a configuration are not finite.
// Throws Error on a text without an answer, on texts of a setting with other
// answers, and on logits without a configuration that are not finite.
std::vector<std::vector<double>> token_divergences(
    const Transformer& model, InterventionTable& table,
    std::span<const DivergenceText> texts,
    std::span<const DivergenceSetting> settings, std::int64_t max_tokens = 4096,
    const Monitor& monitor = {});

// What a setting does to the predictions of one text's answer, by token. NaN,
// NaN and false where the logits under its configuration are not finite.
struct AnswerShift {
  std::vector<double> divergence;       // nats
  std::vector<double> log_prob_change;  // of the answer's own token, nats
  std::vector<bool> top_kept;           // whether the likeliest token stays
};

// The same comparison told apart by text: [setting][text].
std::vector<std::vector<AnswerShift>> answer_shifts(
    const Transformer& model, InterventionTable& table,
    std::span<const DivergenceText> texts,
    std::span<const DivergenceSetting> settings, std::int64_t max_tokens = 4096,
    const Monitor& monitor = {});

struct DivergenceSummary {
  double mean = 0.0;
  double p95 = 0.0;
};
// NaN of both where a value is not finite: the rest would be too small a
// number. Throws Error on no values.
DivergenceSummary summarise_divergence(std::span<const double> tokens);

}  // namespace veer
