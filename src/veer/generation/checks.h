// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "veer/interventions/table.h"
#include "veer/model/config.h"

namespace veer {

// Throws Error naming `what` ("request 3") unless the prompt has tokens, all
// inside the vocabulary, prompt and `max_tokens` more fit the model's
// positions, and the configuration is a row of the table.
void check_prompt(const ModelConfig& config, const InterventionTable* table,
                  std::span<const std::int32_t> prompt,
                  std::int64_t configuration, std::int64_t max_tokens,
                  std::string_view what);

// Throws Error unless every token lies inside the vocabulary.
void check_tokens(const ModelConfig& config, std::span<const std::int32_t> ids,
                  std::string_view what);

}  // namespace veer
