// SPDX-License-Identifier: MIT
#include "veer/data/rows.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/lines.h"

namespace veer {
namespace {

[[noreturn]] void wrong_row(const std::string& place, std::string_view found,
                            std::string_view expected) {
  fail("read dataset", fmt::format("{}: {}", place, found), expected);
}

bool is_message(const Json& value) {
  return value.is_object() &&
         (value.contains("role") || value.contains("from"));
}

// JSON Lines: more than one line, and the first is a JSON text by itself.
bool is_json_lines(std::string_view text) {
  std::int64_t lines = 0;
  bool first_is_json = false;
  for_each_line(text, [&](std::string_view line, std::int64_t) {
    if (lines++ == 0) {
      first_is_json = Json::accept(line);
    }
  });
  return lines > 1 && first_is_json;
}

std::string trimmed(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return "";
  }
  return std::string(
      text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

std::string text_of(const Json& value, const std::string& place,
                    std::string_view what) {
  if (!value.is_string()) {
    wrong_row(place, fmt::format("{} is no text", what), "text");
  }
  return value.get<std::string>();
}

// Text, or the text parts of a list of content parts.
std::string content_of(const Json& value, const std::string& place) {
  if (!value.is_array()) {
    return text_of(value, place, "the content of a message");
  }
  std::string out;
  for (const Json& part : value) {
    if (!part.is_object() || part.value("type", Json()) != "text" ||
        !part.contains("text")) {
      wrong_row(place, "a content part that is no text", "parts of type text");
    }
    out += text_of(part["text"], place, "a content part");
  }
  return out;
}

std::string role_of(const std::string& name, const std::string& place) {
  if (name == "human" || name == "user") {
    return "user";
  }
  if (name == "gpt" || name == "assistant" || name == "model") {
    return "assistant";
  }
  if (name == "system" || name == "tool") {
    return name;
  }
  wrong_row(place, fmt::format("the role \"{}\"", name),
            "system, user, assistant or tool");
}

ChatMessage message_of(const Json& value, const std::string& place) {
  if (!is_message(value)) {
    wrong_row(place, "a message without a role", "{\"role\", \"content\"}");
  }
  const bool share = !value.contains("role");
  const char* text_key = share ? "value" : "content";
  const auto text = value.find(text_key);
  if (text == value.end() || text->is_null()) {
    wrong_row(place, "a message without text", fmt::format("\"{}\"", text_key));
  }
  return {
      role_of(text_of(value[share ? "from" : "role"], place, "a role"), place),
      content_of(*text, place)};
}

std::vector<ChatMessage> messages_of(const Json& list,
                                     const std::string& place) {
  if (!list.is_array()) {
    wrong_row(place, "messages that are no list", "a list of messages");
  }
  std::vector<ChatMessage> out;
  for (const Json& value : list) {
    out.push_back(message_of(value, place));
  }
  return out;
}

std::string strip_speaker(const std::string& prompt) {
  static constexpr std::string_view kBegin = "User: ";
  static constexpr std::string_view kEnd = "\nAssistant:";
  if (prompt.starts_with(kBegin) && prompt.ends_with(kEnd)) {
    return trimmed(prompt.substr(kBegin.size(),
                                 prompt.size() - kBegin.size() - kEnd.size()));
  }
  return prompt;
}

std::vector<ChatMessage> prompt_messages(const Json& prompt,
                                         const std::string& place) {
  if (prompt.is_array()) {
    return messages_of(prompt, place);
  }
  return {{"user", strip_speaker(text_of(prompt, place, "\"prompt\""))}};
}

std::vector<ChatMessage> of_instruction(const Json& row,
                                        const std::string& place) {
  std::string question =
      text_of(row.at("instruction"), place, "\"instruction\"");
  if (row.contains("input") && !row["input"].is_null()) {
    const std::string input = text_of(row["input"], place, "\"input\"");
    question += input.empty() ? "" : "\n\n" + input;
  }
  return {{"user", question},
          {"assistant", text_of(row.at("output"), place, "\"output\"")}};
}

std::vector<ChatMessage> read_layout(const Json& row,
                                     const std::string& place) {
  if (row.is_array()) {
    return messages_of(row, place);
  }
  if (row.is_object() && row.contains("messages")) {
    return messages_of(row["messages"], place);
  }
  if (row.is_object() && row.contains("conversations")) {
    return messages_of(row["conversations"], place);
  }
  if (row.is_object() && row.contains("prompt") && row.contains("completion")) {
    auto out = prompt_messages(row["prompt"], place);
    out.push_back({"assistant", answer_text(row["completion"], place)});
    return out;
  }
  if (row.is_object() && row.contains("instruction") &&
      row.contains("output")) {
    return of_instruction(row, place);
  }
  wrong_row(place, "no known layout",
            "messages, conversations, prompt and completion, or instruction "
            "and output");
}

}  // namespace

void for_each_row(std::string_view text, std::string_view origin,
                  const std::function<void(const Json&, const std::string&,
                                           std::int64_t)>& visit) {
  text = without_mark(text);
  if (is_json_lines(text)) {
    for_each_line(text, [&](std::string_view line, std::int64_t number) {
      const std::string place = fmt::format("{}, line {}", origin, number);
      visit(parse_json(line, place), place, number);
    });
    return;
  }
  if (trimmed(text).empty()) {
    return;
  }
  const Json document = parse_json(text, origin);
  if (!document.is_array() ||
      (!document.empty() && is_message(document.front()))) {
    visit(document, std::string(origin), 1);
    return;
  }
  std::int64_t number = 0;
  for (const Json& row : document) {
    ++number;
    visit(row, fmt::format("{}, element {}", origin, number), number);
  }
}

std::vector<ChatMessage> chat_messages_of(const Json& row,
                                          const std::string& place) {
  std::vector<ChatMessage> out = read_layout(row, place);
  bool asked = false;
  for (const ChatMessage& message : out) {
    asked = asked || message.role == "user";
  }
  if (out.empty() || out.back().role != "assistant" || !asked) {
    wrong_row(place, "a conversation without a question and an answer",
              "a user's message and the assistant's at the end");
  }
  for (ChatMessage& message : out) {
    if (message.role == "user" || message.role == "assistant") {
      message.content = trimmed(message.content);
    }
  }
  if (out.back().content.empty()) {
    wrong_row(place, "an empty answer", "text");
  }
  return out;
}

std::string question_of_prompt(const Json& prompt, const std::string& place) {
  std::string out;
  for (const ChatMessage& message : prompt_messages(prompt, place)) {
    if (message.role == "user") {
      out = trimmed(message.content);
    }
  }
  if (out.empty()) {
    wrong_row(place, "a prompt without a question", "a user's message");
  }
  return out;
}

std::string answer_text(const Json& answer, const std::string& place) {
  if (!answer.is_array()) {
    return trimmed(text_of(answer, place, "an answer"));
  }
  const auto messages = messages_of(answer, place);
  if (messages.empty() || messages.back().role != "assistant") {
    wrong_row(place, "an answer without the assistant's message",
              "text or messages");
  }
  return trimmed(messages.back().content);
}

}  // namespace veer
