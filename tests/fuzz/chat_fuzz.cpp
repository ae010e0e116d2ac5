// SPDX-License-Identifier: MIT
//
// Any bytes as the small files of a model folder and as a conversation: parts
// between 0xFF bytes are tokenizer_config.json, chat_template.jinja,
// generation_config.json, system text, question and answer. Bytes give an
// encoded chat that is consistent, or one Error.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/text/chat/chat_format.h"
#include "veer/text/tokenizer/vocabulary.h"

namespace {

using veer::ChatMessage;
using veer::EncodedChat;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// One token a byte, some words, and two special tokens.
veer::Tokenizer byte_tokenizer() {
  veer::Json vocab = veer::Json::object();
  for (int b = 0; b < 256; ++b) {
    vocab[veer::to_byte_characters(std::string(1, static_cast<char>(b)))] = b;
  }
  veer::Json added = veer::Json::array();
  int id = 256;
  for (const char* token : {"<s>", "</s>", "<|im_start|>", "<|im_end|>"}) {
    added.push_back({{"id", id++},
                     {"content", token},
                     {"special", true},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"single_word", false},
                     {"normalized", false}});
  }
  const veer::Json file = {
      {"version", "1.0"},
      {"added_tokens", added},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"}, {"vocab", vocab}, {"merges", veer::Json::array()}}}};
  return veer::Tokenizer::from_json(veer::dump_json(file), "tokenizer");
}

void check(const EncodedChat& chat) {
  const auto size = static_cast<std::int64_t>(chat.ids.size());
  require(chat.roles.size() == chat.ids.size());
  require(0 <= chat.prompt_length && chat.prompt_length <= size);
  require(chat.prompt_length <= chat.answer_begin);
  require(chat.answer_begin <= chat.answer_end && chat.answer_end <= size);
}

void use(const veer::ChatFormat& format, std::vector<ChatMessage> messages) {
  const EncodedChat prompt = format.encode_prompt(messages);
  check(prompt);
  messages.push_back({"assistant", messages.back().content});
  messages[messages.size() - 2].role = "user";
  const EncodedChat whole = format.encode(messages);
  check(whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  static const veer::Tokenizer tokenizer = byte_tokenizer();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string, 6> parts;
  for (auto& part : parts) {
    const std::size_t cut = rest.find('\xFF');
    part = rest.substr(0, cut);
    rest = cut == rest.npos ? "" : rest.substr(cut + 1);
  }
  veer::ChatFormatFiles files;
  files.tokenizer_config = parts[0];
  files.chat_template = parts[1];
  files.generation_config = parts[2];
  try {
    for (const bool literal : {false, true}) {
      const auto format = veer::ChatFormat::from_files(
          tokenizer, files, "fuzz", {.literal_content = literal});
      use(format, {{"system", parts[3]}, {"user", parts[4]}});
      use(format, {{"user", parts[5]}});
    }
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
  return 0;
}
