// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// Messages of a row, and what stands beside their texts.
struct Conversation {
  std::vector<ChatMessage> messages;  // texts without white space around
  bool tools = false;      // a turn calls a tool or is a tool's result
  bool reasoning = false;  // thoughts stand beside an answer
};

bool is_message(const Json& value);

// A list of messages, {"role", "content"} or ShareGPT's {"from", "value"}; or
// one message. Content is text, or a list of text parts. Roles of other tools
// become ours ("human", "gpt", "function_call"). A turn of the assistant that
// calls a tool may lack text.
// Throws Error{kBadInput} naming `place`.
Conversation messages_of(const Json& value, const std::string& place);

// A transcript "Human: ...\n\nAssistant: ..." (Anthropic) or "User: ..." as
// messages, a last empty answer left out; other text is one user's message.
Conversation prompt_of(std::string_view text);

// Whether the text begins as such a transcript.
bool is_transcript(std::string_view text);

// The last user's text. Throws Error naming `place` if there is none.
std::string question_in(const Conversation& conversation,
                        const std::string& place);

// The text of the last message, which has to be the assistant's.
std::string answer_in(const Conversation& conversation,
                      const std::string& place);

// Without white space at both ends.
std::string trimmed(std::string_view text);

}  // namespace veer
