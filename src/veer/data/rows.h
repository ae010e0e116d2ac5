// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/text/chat_format.h"

namespace veer {

// Calls visit(row, place, number) for each row of JSON Lines, or each element
// of one JSON array; `place` is "x.json, line 3" or "x.json, element 3". One
// object, or one array of messages, is one row. Throws Error{kBadInput} for
// text that is no JSON.
void for_each_row(std::string_view text, std::string_view origin,
                  const std::function<void(const Json&, const std::string&,
                                           std::int64_t)>& visit);

// The conversation of a row in one of the layouts of parse_chat_rows(); its
// last message is the assistant's, and a user's stands before it. Throws
// Error{kBadInput} naming `place`.
std::vector<ChatMessage> chat_messages_of(const Json& row,
                                          const std::string& place);

// The last user text of a prompt given as text or as messages.
std::string question_of_prompt(const Json& prompt, const std::string& place);
// An answer given as text or as messages.
std::string answer_text(const Json& answer, const std::string& place);

}  // namespace veer
