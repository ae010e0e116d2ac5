// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "veer/text/chat/chat_format.h"

namespace veer {

// Throws Error when `scope` ("thinking", see interventions/scope.h) acts on
// think blocks and this model writes none: it has no marks for them, or its
// prompts close the block before the answer.
void require_thinking(const ChatFormat& format, std::string_view scope);

// Throws Error when `scope` acts on think blocks and `text`, a reference answer
// that is scored, has none: the score would be that of the unsteered model.
void require_thoughts(const EncodedChat& text, std::string_view scope);

}  // namespace veer
