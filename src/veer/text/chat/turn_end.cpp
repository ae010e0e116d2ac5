// SPDX-License-Identifier: MIT
#include "veer/text/chat/turn_end.h"

#include "veer/base/error.h"

namespace veer {
namespace {

// What stands behind the text of message `index`, up to that of the next one.
std::optional<std::string> text_behind(const JinjaRender& render,
                                       std::int32_t index) {
  std::optional<std::size_t> begin;
  std::size_t at = 0;
  for (const OriginRun& run : render.runs) {
    if (begin && run.origin > index) {
      return render.text.substr(*begin, at - *begin);
    }
    at += run.length;
    if (run.origin == index) {
      begin = at;
    }
  }
  return begin ? std::optional(render.text.substr(*begin)) : std::nullopt;
}

std::optional<std::int32_t> first_special(const Tokenizer& tokenizer,
                                          std::span<const std::int32_t> ids) {
  for (const std::int32_t id : ids) {
    if (tokenizer.is_special(id)) {
      return id;
    }
    const std::string text = tokenizer.decode({&id, 1}, /*skip_special=*/false);
    if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<TurnEnd> find_turn_end(
    const Tokenizer& tokenizer,
    const std::function<JinjaRender(std::span<const ChatMessage>)>& render) {
  const std::vector<ChatMessage> turns = {{"user", "How are you?"},
                                          {"assistant", "Well."},
                                          {"user", "And you?"},
                                          {"assistant", "Fine."}};
  try {
    const JinjaRender one = render(std::span(turns).first(2));
    const JinjaRender two = render(turns);
    const auto last = text_behind(one, 1);
    const auto inner = text_behind(two, 1);
    const auto second = text_behind(two, 3);
    if (!last || !inner || !second) {
      return std::nullopt;
    }
    TurnEnd out;
    out.ids = tokenizer.encode(*last, /*add_special=*/false);
    const auto token = first_special(tokenizer, out.ids);
    for (const std::string* text : {&*inner, &*second}) {
      if (first_special(tokenizer, tokenizer.encode(*text, false)) != token) {
        return out;
      }
    }
    out.token = token;
    return out;
  } catch (const Error&) {  // told when a conversation is encoded
    return std::nullopt;
  }
}

}  // namespace veer
