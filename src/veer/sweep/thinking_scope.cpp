// SPDX-License-Identifier: MIT
#include "veer/sweep/thinking_scope.h"

#include "veer/base/error.h"
#include "veer/interventions/scope.h"

namespace veer {

void require_thinking(const ChatFormat& format, std::string_view scope) {
  if (parse_scope(scope).kind != TokenScope::Kind::kThinking) {
    return;
  }
  if (!format.has_thinking()) {
    fail("scope thinking", "a model without think blocks",
         "a model whose chat template has them, or another scope");
  }
  const ChatMessage question[] = {{"user", "?"}};
  const auto block = format.encode_prompt(question).thinking;
  if (!block.open && block.end > block.begin) {
    fail("scope thinking", "prompts that close the think block",
         "prompts that let the model think, or another scope",
         "a template variable such as enable_thinking = false");
  }
}

void require_thoughts(const EncodedChat& text, std::string_view scope) {
  if (parse_scope(scope).kind == TokenScope::Kind::kThinking &&
      text.thinking.begin == text.thinking.end) {
    fail("scope thinking", "reference answers without a think block",
         "judge.kind self, choice or endpoint, which read what the model "
         "writes, or another scope",
         "judge logprob scores the text that the chat template makes");
  }
}

}  // namespace veer
