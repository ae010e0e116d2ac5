// SPDX-License-Identifier: MIT
//
// What `veer template --tokens` and `veer tokenize --messages` show: every
// token of a conversation with its role, and where vectors are read and added.
#pragma once

#include <filesystem>
#include <vector>

#include "cli/command.h"
#include "veer/base/json.h"
#include "veer/text/chat/chat_format.h"

namespace veer::cli {

Json read_json(const std::filesystem::path& path);

// A JSON list of messages, or an object with one under "messages".
Json read_messages(const std::filesystem::path& path);

// Throws Error{kBadInput} naming the message whose role or content is no text.
std::vector<ChatMessage> chat_messages(const Json& list);

// Help of --template-vars.
inline constexpr const char* kTemplateVarsHelp =
    "variables of the chat template, such as '{\"enable_thinking\": false}'";

// A last assistant message is the answer; without one it is a prompt. JSON:
// ids, tokens, roles (lists), prompt_length, answer_begin, answer_end,
// thinking (its first token and the one behind it), fingerprint, notes.
// Otherwise one line per token; notes are told.
void show_chat_tokens(const ChatFormat& format,
                      const std::vector<ChatMessage>& messages,
                      Session& session);

}  // namespace veer::cli
