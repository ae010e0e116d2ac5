// SPDX-License-Identifier: MIT
//
// Which tokens of a text are listened to. Positions are found from the roles
// and offsets of an EncodedChat, never by counting from the end of a padded
// row.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

struct EncodedChat;

// A named rule that picks tokens of one text; several tokens are averaged.
struct TokenPosition {
  enum class Kind {
    kPromptEnd,    // last token of the generation prompt
    kAnswerFirst,  // first token of the answer
    kAnswerLast,   // last token of the answer, before the end-of-turn marker
    kAnswerMean,   // all tokens of the answer
    kAnswerToken,  // token `index` of the answer, from 0
    kSystem,       // content of system messages
    kQuestion,     // content of user messages
    kTemplate,     // markers of the chat template
    kThinking,     // inside of the think block before the answer
    kAll,          // every token but the first
    kLegacyLast,   // literal last token (after the end of turn); the original
                   // study's choice, kept to reproduce it
  };
  Kind kind = Kind::kAnswerMean;
  std::int64_t index = 0;  // of kAnswerToken

  auto operator<=>(const TokenPosition&) const = default;

  // "prompt_end", "answer_token.3", "span.question", ...
  std::string name() const;
  // Whether the rule looks at nothing behind the prompt, so that the answer
  // (causal attention) cannot change what is read.
  bool in_prompt() const;
};

// The inverse of name(); throws Error that lists the names.
TokenPosition parse_position(std::string_view name);

// Indices into `text.ids`, ascending; empty if the text has no such token (no
// answer, answer too short, no system message, no think block).
std::vector<std::int64_t> position_tokens(const EncodedChat& text,
                                          TokenPosition position);

}  // namespace veer
