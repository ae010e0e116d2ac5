// SPDX-License-Identifier: MIT
#include "veer/generation/checks.h"

#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {

void check_tokens(const ModelConfig& config, std::span<const std::int32_t> ids,
                  std::string_view what) {
  for (const auto id : ids) {
    if (id < 0 || id >= config.vocab_size) {
      fail(what, fmt::format("token {}", id),
           fmt::format("0 to {}", config.vocab_size - 1),
           "the tokenizer belongs to another model, or has tokens that the "
           "model's embeddings were not resized for");
    }
  }
}

void check_prompt(const ModelConfig& config, const InterventionTable* table,
                  std::span<const std::int32_t> prompt,
                  std::int64_t configuration, std::int64_t max_tokens,
                  std::string_view what) {
  if (prompt.empty()) {
    fail(what, "an empty prompt", "at least one token");
  }
  if (max_tokens < 1) {
    fail(what, fmt::format("{} tokens to generate", max_tokens),
         "at least one");
  }
  check_tokens(config, prompt, what);
  const auto needed = static_cast<std::int64_t>(prompt.size()) + max_tokens;
  if (config.max_positions > 0 && needed > config.max_positions) {
    fail(what, fmt::format("{} tokens of prompt and answer", needed),
         fmt::format("at most {}", config.max_positions),
         "the model was not made for longer texts");
  }
  const auto rows = table == nullptr ? 0 : table->size();
  if (configuration >= rows) {
    fail(what, fmt::format("configuration {}", configuration),
         fmt::format("below {}, or -1 for none", rows));
  }
}

}  // namespace veer
