// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/jinja/jinja.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// How a chat template ends the turn of an assistant.
struct TurnEnd {
  std::vector<std::int32_t> ids;  // all tokens behind the answer
  // The special token that stands behind every answer, with at most white
  // space before it; none where the template ends turns with other text.
  std::optional<std::int32_t> token;
};

// Renders conversations of one and of two answers. None when the template
// refuses them or the answer cannot be found in what it makes.
std::optional<TurnEnd> find_turn_end(
    const Tokenizer& tokenizer,
    const std::function<JinjaRender(std::span<const ChatMessage>)>& render);

}  // namespace veer
