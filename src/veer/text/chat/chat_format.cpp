// SPDX-License-Identifier: MIT
#include "veer/text/chat/chat_format.h"

#include <algorithm>
#include <ctime>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/text/chat/align.h"
#include "veer/text/chat/answer.h"
#include "veer/text/chat/state.h"

namespace veer {
namespace {

using Conversation = std::span<const ChatMessage>;
constexpr std::int32_t kLiteral = OriginRun::kLiteral;

std::uint32_t run_length(const std::string& text) {
  return static_cast<std::uint32_t>(text.size());
}

// What the template is given: messages, and for each the origin of its text.
struct TemplateInput {
  Json messages = Json::array();
  std::vector<std::vector<OriginRun>> runs;

  void add(const std::string& role, std::string content,
           std::vector<OriginRun> origins, const std::string& thoughts = {}) {
    std::erase_if(origins, [](const OriginRun& r) { return r.length == 0; });
    messages.push_back({{"role", role}, {"content", std::move(content)}});
    if (!thoughts.empty()) {
      messages.back()["reasoning_content"] = thoughts;
      messages.back()["thinking"] = thoughts;
    }
    runs.push_back(std::move(origins));
  }
};

// The system text before the first user message, a blank line between.
TemplateInput fold_system(Conversation messages) {
  TemplateInput out;
  std::string text;
  std::vector<OriginRun> runs;
  bool waiting = false;
  for (std::size_t k = 0; k < messages.size(); ++k) {
    const ChatMessage& message = messages[k];
    const OriginRun own{run_length(message.content),
                        static_cast<std::int32_t>(k)};
    if (message.role == "system") {
      if (waiting) {
        text += "\n\n";
        runs.push_back({2, kLiteral});
      }
      text += message.content;
      runs.push_back(own);
      waiting = true;
    } else if (waiting && message.role == "user") {
      runs.push_back({2, kLiteral});
      runs.push_back(own);
      out.add("user", text + "\n\n" + message.content, runs);
      waiting = false;
      text.clear();
      runs.clear();
    } else {
      out.add(message.role, message.content, {own}, message.thoughts);
    }
  }
  if (waiting) {
    out.add("user", text, runs);
  }
  return out;
}

TemplateInput input_of(Conversation messages, bool fold) {
  if (fold) {
    return fold_system(messages);
  }
  TemplateInput out;
  for (std::size_t k = 0; k < messages.size(); ++k) {
    out.add(messages[k].role, messages[k].content,
            {{run_length(messages[k].content), static_cast<std::int32_t>(k)}},
            messages[k].thoughts);
  }
  return out;
}

JinjaRender plain_text(Conversation messages, bool generation_prompt) {
  JinjaRender out;
  for (std::size_t k = 0; k < messages.size(); ++k) {
    const std::string& content = messages[k].content;
    out.text += content;
    if (!content.empty()) {
      out.runs.push_back({run_length(content), static_cast<std::int32_t>(k)});
    }
    if (generation_prompt || k + 1 < messages.size()) {
      out.text += '\n';
      out.runs.push_back({1, kLiteral});
    }
  }
  return out;
}

TokenRole role_of_origin(std::int32_t origin, Conversation messages) {
  if (origin == kLiteral) {
    return TokenRole::kTemplate;
  }
  const std::string& role = messages[static_cast<std::size_t>(origin)].role;
  return role == "system"      ? TokenRole::kSystem
         : role == "assistant" ? TokenRole::kAnswer
                               : TokenRole::kQuestion;
}

// Origin of each byte.
std::vector<std::int32_t> byte_origins(std::span<const OriginRun> runs,
                                       std::size_t size) {
  std::vector<std::int32_t> out;
  out.reserve(size);
  for (const OriginRun& run : runs) {
    out.insert(out.end(), run.length, run.origin);
  }
  out.resize(size, kLiteral);
  return out;
}

using Range = TokenRange;

std::vector<TokenRole> token_roles(std::span<const Range> ranges,
                                   std::span<const std::int32_t> origins,
                                   Conversation messages) {
  std::vector<TokenRole> out;
  out.reserve(ranges.size());
  for (const auto& [begin, end] : ranges) {
    TokenRole role = TokenRole::kTemplate;
    const std::size_t last = std::max(end, begin + 1);
    for (std::size_t i = begin; i < last && i < origins.size(); ++i) {
      const TokenRole here = role_of_origin(origins[i], messages);
      role = role == TokenRole::kAnswer ? role : here;
    }
    out.push_back(role);
  }
  return out;
}

}  // namespace

std::string_view token_role_name(TokenRole role) {
  switch (role) {
    case TokenRole::kTemplate:
      return "template";
    case TokenRole::kSystem:
      return "system";
    case TokenRole::kQuestion:
      return "question";
    case TokenRole::kAnswer:
      return "answer";
    case TokenRole::kThinking:
      return "thinking";
  }
  return "";
}

JinjaRender ChatFormat::State::render(Conversation messages,
                                      bool generation_prompt) const {
  if (!chat_template) {
    return plain_text(messages, generation_prompt);
  }
  const TemplateInput input = input_of(messages, folds_system);
  Json values = variables(generation_prompt);
  values["messages"] = input.messages;
  return chat_template->render(values, input.runs, now);
}

Json ChatFormat::State::variables(bool generation_prompt) const {
  Json out = special_tokens;
  out["tools"] = nullptr;
  out["documents"] = nullptr;
  out["add_generation_prompt"] = generation_prompt;
  out["date_string"] = options.date_string;
  out.update(template_vars);
  return out;
}

std::vector<std::int32_t> ChatFormat::State::encode(
    std::string_view text, std::span<const OriginRun> runs) const {
  if (!options.literal_content) {
    return tokenizer.encode(text, !chat_template);
  }
  // Run by run: merges do not cross the border of a message then.
  std::vector<std::int32_t> out;
  std::size_t at = 0;
  for (const OriginRun& run : runs) {
    const auto part = tokenizer.encode(
        text.substr(at, run.length), !chat_template && at == 0,
        run.origin == kLiteral ? SpecialText::kToken : SpecialText::kLetters);
    out.insert(out.end(), part.begin(), part.end());
    at += run.length;
  }
  return out;
}

std::vector<std::int32_t> ChatFormat::State::encode_prompt(
    std::string_view text, std::span<const OriginRun> runs) const {
  std::vector<std::int32_t> ids = encode(text, runs);
  // A post-processor that closes plain text would end the prompt.
  if (!chat_template && ids.size() > 1 && end_id && ids.back() == *end_id) {
    ids.pop_back();
  }
  return ids;
}

namespace {

void require_messages(Conversation messages) {
  if (messages.empty()) {
    fail("chat format", "a conversation without messages",
         "at least one message");
  }
}

// Index of the first token from `from` on that begins at or behind `byte`.
std::int64_t token_behind(std::span<const Range> ranges, std::int64_t from,
                          std::size_t byte) {
  auto i = static_cast<std::size_t>(from);
  while (i < ranges.size() && ranges[i].first < byte) {
    ++i;
  }
  return static_cast<std::int64_t>(i);
}

// The tokens between the marks of a think block, and their role.
void mark_thinking(EncodedChat& out, std::span<const Range> ranges,
                   const ThinkSpan& block) {
  if (!block.opened) {
    return;
  }
  out.thinking.begin = token_behind(ranges, 0, block.begin);
  out.thinking.end = std::min(token_behind(ranges, 0, block.end),
                              static_cast<std::int64_t>(out.ids.size()));
  out.thinking.begin = std::min(out.thinking.begin, out.thinking.end);
  out.thinking.open = !block.closed;
  for (auto i = out.thinking.begin; i < out.thinking.end; ++i) {
    out.roles[static_cast<std::size_t>(i)] = TokenRole::kThinking;
  }
}

}  // namespace

std::string ChatFormat::prompt_text(Conversation messages) const {
  require_messages(messages);
  return state_->render(messages, /*generation_prompt=*/true).text;
}

std::string ChatFormat::full_text(Conversation messages) const {
  require_messages(messages);
  return state_->render(messages, /*generation_prompt=*/false).text;
}

std::string ChatFormat::render_json(const Json& messages, const Json& variables,
                                    bool generation_prompt) const {
  Json values = state_->variables(generation_prompt);
  values.update(variables);
  values["messages"] = messages;
  if (state_->chat_template) {
    return state_->chat_template->render(values, {}, state_->now).text;
  }
  std::vector<ChatMessage> plain;
  for (const Json& message : messages) {
    if (!message.is_object() || !message.value("content", Json()).is_string()) {
      fail("chat format", "a message without text",
           "text in \"content\": this model has no chat template");
    }
    plain.push_back({"user", message["content"].get<std::string>()});
  }
  return plain_text(plain, generation_prompt).text;
}

EncodedChat ChatFormat::encode_prompt(Conversation messages) const {
  require_messages(messages);
  const JinjaRender render = state_->render(messages, true);
  EncodedChat out;
  out.ids = state_->encode_prompt(render.text, render.runs);
  const auto ranges = token_ranges(state_->tokenizer, out.ids, render.text);
  out.roles = token_roles(ranges, byte_origins(render.runs, render.text.size()),
                          messages);
  out.prompt_length = static_cast<std::int64_t>(out.ids.size());
  out.answer_begin = out.answer_end = out.prompt_length;
  if (state_->template_thinks) {
    mark_thinking(out, ranges, prompt_block(render, *state_->marks));
  }
  return out;
}

EncodedChat ChatFormat::encode_answer_prompt(Conversation messages) const {
  if (!state_->template_thinks) {
    return encode_prompt(messages);
  }
  // What stands before an answer does not depend on the answer.
  std::vector<ChatMessage> answered(messages.begin(), messages.end());
  answered.push_back({"assistant", "x"});
  EncodedChat out = encode(answered);
  out.ids.resize(static_cast<std::size_t>(out.prompt_length));
  out.roles.resize(out.ids.size());
  out.answer_begin = out.answer_end = out.prompt_length;
  return out;
}

EncodedChat ChatFormat::encode(Conversation messages) const {
  require_messages(messages);
  if (messages.back().role != "assistant") {
    fail("chat format",
         fmt::format("the last message is of \"{}\"", messages.back().role),
         "an answer of \"assistant\" at the end");
  }
  const Conversation before = messages.first(messages.size() - 1);
  require_messages(before);
  const LocatedAnswer answer = locate_answer(
      state_->render(before, true), state_->render(messages, false),
      static_cast<std::int32_t>(messages.size() - 1), messages.back().content,
      state_->template_thinks ? &*state_->marks : nullptr);

  EncodedChat out;
  out.ids = state_->encode_prompt(
      std::string_view(answer.text).substr(0, answer.prompt_bytes),
      take_runs(answer.runs, answer.prompt_bytes));
  out.prompt_length = static_cast<std::int64_t>(out.ids.size());
  state_->append_answer(out.ids, answer.text, answer.runs, answer.prompt_bytes);
  const auto ranges = token_ranges(state_->tokenizer, out.ids, answer.text);
  state_->end_answer(out, ranges, answer);
  out.roles =
      token_roles(std::span(ranges).first(out.ids.size()),
                  byte_origins(answer.runs, answer.text.size()), messages);
  if (state_->template_thinks) {
    mark_thinking(out, ranges, answer.thoughts);
  }
  if (!state_->chat_template && state_->end_id &&
      (out.ids.empty() || out.ids.back() != *state_->end_id)) {
    out.ids.push_back(*state_->end_id);
    out.roles.push_back(TokenRole::kTemplate);
  }
  return out;
}

// Fills answer_begin and answer_end, and ends the ids with the end of turn.
void ChatFormat::State::end_answer(EncodedChat& out,
                                   std::span<const TokenRange> ranges,
                                   const LocatedAnswer& answer) const {
  out.answer_begin = out.prompt_length;
  const auto total = static_cast<std::int64_t>(out.ids.size());
  const auto range_end = [&](std::int64_t i) {
    const Range& r = ranges[static_cast<std::size_t>(i)];
    return std::max(r.second, r.first + 1);
  };
  while (answer.begin < answer.end && out.answer_begin < total &&
         range_end(out.answer_begin) <= answer.begin) {
    ++out.answer_begin;
  }
  if (answer.begin == answer.end) {
    out.answer_begin = token_behind(ranges, out.prompt_length, answer.begin);
  }
  out.answer_end = token_behind(ranges, out.answer_begin, answer.end);
  // Where the template decides, its block ends the supervised text; elsewhere
  // the first stop token behind the answer does.
  std::int64_t keep = total;
  if (answer.supervised_end) {
    keep = token_behind(ranges, out.answer_end, *answer.supervised_end);
    out.answer_end =
        without_stop(out.ids, out.answer_begin, std::min(out.answer_end, keep));
  } else {
    for (std::int64_t i = out.answer_end; i < total; ++i) {
      if (is_stop(out.ids[static_cast<std::size_t>(i)])) {
        keep = i + 1;
        break;
      }
    }
  }
  out.ids.resize(static_cast<std::size_t>(keep));
}

// Appends the ids of what follows the prompt. Tokenised as one text with the
// prompt if that leaves the prompt's ids as they are, so that a token may hold
// a leading space as the model's makers trained it; apart otherwise.
void ChatFormat::State::append_answer(std::vector<std::int32_t>& ids,
                                      std::string_view text,
                                      std::span<const OriginRun> runs,
                                      std::size_t prompt_bytes) const {
  const std::vector<std::int32_t> whole = encode(text, runs);
  if (whole.size() >= ids.size() &&
      std::equal(ids.begin(), ids.end(), whole.begin())) {
    ids = whole;
    return;
  }
  const auto rest = cut_runs(runs, prompt_bytes);
  const std::string_view behind = text.substr(prompt_bytes);
  if (!options.literal_content) {
    const auto part = tokenizer.encode(behind, false);
    ids.insert(ids.end(), part.begin(), part.end());
    return;
  }
  const auto part = encode(behind, rest);
  ids.insert(ids.end(), part.begin(), part.end());
}

bool ChatFormat::State::is_stop(std::int32_t id) const {
  return std::binary_search(stop_ids.begin(), stop_ids.end(), id);
}

// `end` without stop tokens right before it.
std::int64_t ChatFormat::State::without_stop(std::span<const std::int32_t> ids,
                                             std::int64_t begin,
                                             std::int64_t end) const {
  while (end > begin && is_stop(ids[static_cast<std::size_t>(end - 1)])) {
    --end;
  }
  return end;
}

WrittenAnswer ChatFormat::read_answer(std::span<const std::int32_t> ids,
                                      bool thinking_open) const {
  return read_written(state_->tokenizer, state_->marks, ids, thinking_open);
}

ThinkingBlock ChatFormat::read_thinking(std::span<const std::int32_t> ids,
                                        bool thinking_open) const {
  return state_->marks ? written_thoughts(state_->tokenizer, *state_->marks,
                                          ids, thinking_open)
                       : ThinkingBlock{};
}

bool ChatFormat::has_thinking() const {
  return state_->marks.has_value();
}

const Tokenizer& ChatFormat::tokenizer() const {
  return state_->tokenizer;
}
const std::vector<std::int32_t>& ChatFormat::stop_ids() const {
  return state_->stop_ids;
}
double ChatFormat::repetition_penalty() const {
  return state_->repetition_penalty;
}
const std::string& ChatFormat::fingerprint() const {
  return state_->fingerprint;
}
bool ChatFormat::has_template() const {
  return state_->chat_template.has_value();
}
bool ChatFormat::folds_system() const {
  return state_->folds_system;
}
const std::vector<std::string>& ChatFormat::notes() const {
  return state_->notes;
}

}  // namespace veer
