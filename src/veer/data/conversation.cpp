// SPDX-License-Identifier: MIT
#include "veer/data/conversation.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

[[noreturn]] void wrong_row(const std::string& place, std::string_view found,
                            std::string_view expected) {
  fail("read dataset", fmt::format("{}: {}", place, found), expected);
}

std::string text_of(const Json& value, const std::string& place,
                    std::string_view what) {
  if (!value.is_string()) {
    wrong_row(place, fmt::format("{} is no text", what), "text");
  }
  return value.get<std::string>();
}

std::string part_text(const Json& part, const std::string& place) {
  if (part.is_string()) {
    return part.get<std::string>();
  }
  const bool has_text = part.is_object() && part.contains("text");
  const Json type = has_text ? part.value("type", Json("text")) : Json();
  if (type != "text" && type != "input_text" && type != "output_text") {
    wrong_row(place, "a content part that is no text", "parts of type text");
  }
  return text_of(part["text"], place, "a content part");
}

// Text, or the text parts of a list of content parts, or of {"parts": [...]}.
std::string content_of(const Json& value, const std::string& place) {
  if (value.is_object() && value.contains("parts") &&
      value["parts"].is_array()) {
    return content_of(value["parts"], place);
  }
  if (!value.is_array()) {
    return text_of(value, place, "the content of a message");
  }
  std::string out;
  for (const Json& part : value) {
    out += part_text(part, place);
  }
  return out;
}

struct Role {
  std::string_view name;
  std::string_view ours;
};
constexpr Role kRoles[] = {{"user", "user"},
                           {"human", "user"},
                           {"assistant", "assistant"},
                           {"gpt", "assistant"},
                           {"model", "assistant"},
                           {"chatgpt", "assistant"},
                           {"bot", "assistant"},
                           {"function_call", "call"},
                           {"system", "system"},
                           {"developer", "system"},
                           {"tool", "tool"},
                           {"function", "tool"},
                           {"observation", "tool"},
                           {"ipython", "tool"},
                           {"function_response", "tool"},
                           {"tool_response", "tool"}};

std::string role_of(const std::string& name, const std::string& place) {
  for (const Role& role : kRoles) {
    if (role.name == name) {
      return std::string(role.ours);
    }
  }
  wrong_row(place, fmt::format("the role \"{}\"", name),
            "system, user, assistant or tool");
}

bool has_value(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && !at->is_null() &&
         !(at->is_array() && at->empty()) && *at != Json("");
}

void add_message(const Json& value, const std::string& place,
                 Conversation& out) {
  if (!is_message(value)) {
    wrong_row(place, "a message without a role", "{\"role\", \"content\"}");
  }
  std::string role =
      role_of(text_of(value.contains("role") ? value["role"] : value["from"],
                      place, "a role"),
              place);
  const bool calls = role == "call" || has_value(value, "tool_calls") ||
                     has_value(value, "function_call");
  out.tools = out.tools || calls || role == "tool";
  out.reasoning = out.reasoning || has_value(value, "reasoning_content") ||
                  has_value(value, "reasoning") || has_value(value, "thinking");
  if (role == "call") {
    role = "assistant";
  }
  auto text = value.find("content");
  text = text == value.end() ? value.find("value") : text;
  if (role == "tool") {  // only told of, whatever it holds
    out.messages.push_back({role, ""});
  } else if (text != value.end() && !text->is_null()) {
    out.messages.push_back({role, trimmed(content_of(*text, place))});
  } else if (calls) {
    out.messages.push_back({role, ""});
  } else {
    wrong_row(place, "a message without text",
              value.contains("role") ? "\"content\"" : "\"value\"");
  }
}

struct Speaker {
  std::string_view mark;
  std::string_view role;
};
constexpr Speaker kSpeakers[] = {
    {"Human:", "user"}, {"User:", "user"}, {"Assistant:", "assistant"}};

const Speaker* speaker_at(std::string_view text) {
  for (const Speaker& speaker : kSpeakers) {
    if (text.starts_with(speaker.mark)) {
      return &speaker;
    }
  }
  return nullptr;
}

// The next place from `at` on where a line begins with a speaker.
std::size_t next_speaker(std::string_view text, std::size_t at) {
  for (auto line = text.find('\n', at); line != std::string_view::npos;
       line = text.find('\n', line + 1)) {
    if (speaker_at(text.substr(line + 1)) != nullptr) {
      return line + 1;
    }
  }
  return text.size();
}

}  // namespace

std::string trimmed(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return "";
  }
  return std::string(
      text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

bool is_message(const Json& value) {
  return value.is_object() &&
         (value.contains("role") || value.contains("from")) &&
         (value.contains("content") || value.contains("value") ||
          value.contains("tool_calls") || value.size() == 1);
}

Conversation messages_of(const Json& value, const std::string& place) {
  Conversation out;
  if (value.is_object()) {
    add_message(value, place, out);
    return out;
  }
  if (!value.is_array()) {
    wrong_row(place, "messages that are no list", "a list of messages");
  }
  for (const Json& message : value) {
    add_message(message, place, out);
  }
  return out;
}

bool is_transcript(std::string_view text) {
  const std::string whole = trimmed(text);
  const Speaker* first = speaker_at(whole);
  if (first == nullptr || first->role != "user") {
    return false;
  }
  for (auto at = next_speaker(whole, 0); at < whole.size();
       at = next_speaker(whole, at)) {
    if (speaker_at(std::string_view(whole).substr(at))->role == "assistant") {
      return true;
    }
  }
  return false;
}

Conversation prompt_of(std::string_view text) {
  Conversation out;
  if (!is_transcript(text)) {
    out.messages.push_back({"user", trimmed(text)});
    return out;
  }
  const std::string whole = trimmed(text);
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = next_speaker(whole, at);
    const Speaker& speaker = *speaker_at(std::string_view(whole).substr(at));
    const std::size_t begin = at + speaker.mark.size();
    out.messages.push_back(
        {std::string(speaker.role),
         trimmed(std::string_view(whole).substr(begin, end - begin))});
    at = end;
  }
  if (out.messages.back().role == "assistant" &&
      out.messages.back().content.empty()) {
    out.messages.pop_back();
  }
  return out;
}

std::string question_in(const Conversation& conversation,
                        const std::string& place) {
  std::string out;
  for (const ChatMessage& message : conversation.messages) {
    if (message.role == "user") {
      out = message.content;
    }
  }
  if (out.empty()) {
    wrong_row(place, "a conversation without a question", "a user's message");
  }
  return out;
}

std::string answer_in(const Conversation& conversation,
                      const std::string& place) {
  const auto& messages = conversation.messages;
  if (messages.empty() || messages.back().role != "assistant") {
    wrong_row(place, "a conversation without an answer",
              "the assistant's message at the end");
  }
  if (messages.back().content.empty()) {
    wrong_row(
        place, "an empty answer",
        conversation.tools ? "text, not the call of a tool alone" : "text");
  }
  return messages.back().content;
}

}  // namespace veer
