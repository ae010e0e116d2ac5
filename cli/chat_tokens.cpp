// SPDX-License-Identifier: MIT
#include "cli/chat_tokens.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer::cli {
namespace {

std::string as_json(const ChatFormat& format, const EncodedChat& chat) {
  Json tokens = Json::array();
  Json roles = Json::array();
  for (std::size_t i = 0; i < chat.ids.size(); ++i) {
    tokens.push_back(format.tokenizer().token(chat.ids[i]));
    roles.push_back(token_role_name(chat.roles[i]));
  }
  return dump_json({{"ids", chat.ids},
                    {"tokens", tokens},
                    {"roles", roles},
                    {"prompt_length", chat.prompt_length},
                    {"answer_begin", chat.answer_begin},
                    {"answer_end", chat.answer_end},
                    {"thinking", {chat.thinking.begin, chat.thinking.end}},
                    {"fingerprint", format.fingerprint()},
                    {"notes", format.notes()}}) +
         "\n";
}

std::string as_table(const ChatFormat& format, const EncodedChat& chat) {
  std::string out;
  for (std::size_t i = 0; i < chat.ids.size(); ++i) {
    const bool prompt_end =
        static_cast<std::int64_t>(i) + 1 == chat.prompt_length;
    out += fmt::format("{:>5} {:>7}  {:<9} {}{}\n", i, chat.ids[i],
                       token_role_name(chat.roles[i]),
                       dump_json(format.tokenizer().token(chat.ids[i])),
                       prompt_end ? "   <- prompt_end" : "");
  }
  return out;
}

// What templates know under one of these names.
std::string thoughts_of(const Json& message) {
  for (const char* name : {"reasoning_content", "reasoning", "thinking"}) {
    if (message.contains(name) && message[name].is_string()) {
      return message[name].get<std::string>();
    }
  }
  return "";
}

}  // namespace

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

Json read_messages(const std::filesystem::path& path) {
  Json out = read_json(path);
  if (out.is_object() && out.contains("messages")) {
    out = out["messages"];
  }
  if (!out.is_array()) {
    fail("read messages", fmt::format("{} is no list", path.string()),
         "a JSON list of messages with role and content");
  }
  return out;
}

std::vector<ChatMessage> chat_messages(const Json& list) {
  std::vector<ChatMessage> out;
  for (const Json& message : list) {
    if (!message.is_object() || !message.contains("role") ||
        !message.contains("content") || !message["role"].is_string() ||
        !message["content"].is_string()) {
      fail("read messages",
           fmt::format("message {} has no text for role and content",
                       out.size() + 1),
           "{\"role\": ..., \"content\": ...}");
    }
    out.push_back({message["role"].get<std::string>(),
                   message["content"].get<std::string>(),
                   thoughts_of(message)});
  }
  return out;
}

void show_chat_tokens(const ChatFormat& format,
                      const std::vector<ChatMessage>& messages,
                      Session& session) {
  const bool answered =
      messages.size() > 1 && messages.back().role == "assistant";
  const EncodedChat chat =
      answered ? format.encode(messages) : format.encode_prompt(messages);
  session.terminal.out(session.json ? as_json(format, chat)
                                    : as_table(format, chat));
  if (!session.json) {
    for (const auto& note : format.notes()) {
      session.terminal.note(note);
    }
  }
}

}  // namespace veer::cli
