// SPDX-License-Identifier: MIT
// What a chat format takes from a model's files besides template and tokenizer,
// and what it says of it.
#include <algorithm>

#include <fmt/core.h>

#include "veer/base/json_access.h"
#include "veer/text/chat/generation_defaults.h"
#include "veer/text/chat/state.h"
#include "veer/text/chat/turn_end.h"

namespace veer {

void ChatFormat::State::stop_at_turn_end() {
  if (!chat_template) {
    return;
  }
  const auto end = find_turn_end(tokenizer, [&](auto messages) {
    return this->render(messages, /*generation_prompt=*/false);
  });
  if (!end || end->ids.empty() ||
      std::ranges::any_of(end->ids, [&](auto id) { return is_stop(id); })) {
    return;
  }
  if (end->token) {
    stop_ids.insert(std::ranges::lower_bound(stop_ids, *end->token),
                    *end->token);
    notes.push_back(fmt::format(
        "the chat template ends an answer with {}, which the model's files do "
        "not name as a stop token (eos_token_id); Veer stops there too",
        tokenizer.token(*end->token)));
    return;
  }
  notes.push_back(fmt::format(
      "the chat template ends an answer with {}, which holds no stop token: "
      "answers may run on to their longest length",
      dump_json(tokenizer.decode(end->ids, /*skip_special=*/false))));
}

void ChatFormat::State::follow_generation_config(
    const Json& config, const std::filesystem::path& path,
    const ChatFormatOptions& chosen) {
  GenerationDefaults defaults = read_generation_defaults(config, path.string());
  repetition_penalty = defaults.repetition_penalty;
  if (repetition_penalty != 1.0 && chosen.repetition_penalty == 0.0) {
    notes.push_back(fmt::format(
        "answers are generated with the model's repetition penalty of {} "
        "({}); repetition_penalty = 1 turns it off",
        repetition_penalty, path.filename().string()));
  }
  notes.insert(notes.end(), defaults.notes.begin(), defaults.notes.end());
}

void ChatFormat::State::note_vocabulary(const Json& config) {
  const Json& own = member(config, "vocab_size");
  const Json& size =
      own.is_null() ? member(member(config, "text_config"), "vocab_size") : own;
  if (!size.is_number_integer() || size.get<std::int64_t>() < 1) {
    return;
  }
  const auto room = size.get<std::int64_t>();
  std::int64_t beyond = 0;
  std::string first;
  for (std::int64_t id = room; id < tokenizer.size(); ++id) {
    if (const auto* token = tokenizer.find(static_cast<std::int32_t>(id))) {
      first = beyond++ == 0 ? *token : first;
    }
  }
  if (beyond > 0) {
    notes.push_back(fmt::format(
        "{} of the tokenizer ({}) lie beyond the model's {} embeddings "
        "(vocab_size): a text with one is refused; resize_token_embeddings of "
        "transformers makes room",
        beyond == 1 ? "1 token" : fmt::format("{} tokens", beyond),
        beyond == 1 ? first : fmt::format("{}, ...", first), room));
  }
}

}  // namespace veer
