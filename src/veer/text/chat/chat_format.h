// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/text/chat/thinking.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace veer {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
  // What an assistant thought before it, apart from the content; given to the
  // template as reasoning_content (and `thinking`), which may drop it.
  std::string thoughts = {};
};

// Whose text a token is. A token that holds a byte of the answer is kAnswer;
// of others the last byte decides. Text of an earlier assistant turn is
// kAnswer too; what lies inside of the think block before the answer is
// kThinking.
enum class TokenRole : std::uint8_t {
  kTemplate,
  kSystem,
  kQuestion,
  kAnswer,
  kThinking
};

// "template", "system", "question", "answer", "thinking".
std::string_view token_role_name(TokenRole role);

struct EncodedChat {
  std::vector<std::int32_t> ids;
  std::vector<TokenRole> roles;  // one per id
  // Tokens up to and with the generation prompt, and in an answered
  // conversation with the think block before the answer; the last of them,
  // prompt_length - 1, is "prompt_end".
  std::int64_t prompt_length = 0;
  // The answer, without its end-of-turn tokens; empty for a prompt alone.
  // Tokens from prompt_length to answer_begin are template text between the
  // generation prompt and the answer; from answer_end on they are the
  // end-of-turn tokens. Both are supervised.
  std::int64_t answer_begin = 0;
  std::int64_t answer_end = 0;
  // Inside of the think block before the answer; empty where there is none.
  ThinkingBlock thinking;
};

// What the small files of a model folder hold; empty = there is none.
struct ChatFormatFiles {
  std::string tokenizer_config;
  std::string special_tokens_map;
  std::string generation_config;
  std::string config;
  std::string chat_template;  // chat_template.jinja
};

struct ChatFormatOptions {
  // What templates print as today's date: passed as `date_string`, and shown
  // by strftime_now() when it can be read as "26 Jul 2024". Fixed, so that a
  // study's prompts don't change overnight.
  std::string date_string = "26 Jul 2024";
  // Text of special tokens within messages stays ordinary letters, so content
  // cannot forge a turn. Hugging Face does not do this (false).
  bool literal_content = false;
  // What repetition_penalty() is; 0 = as generation_config.json says.
  double repetition_penalty = 0.0;
  // Further variables of the template as parse_template_vars() reads them,
  // such as {"enable_thinking": false}; they win over the format's own.
  std::string template_vars;
};

// Variables as a person gives them: empty for none, else the text of a JSON
// object. Throws Error{kBadInput} on another text and on names that belong to
// the conversation (messages, add_generation_prompt).
Json parse_template_vars(std::string_view text);

// Seconds since 1970 that strftime_now() shows for a date_string: noon of a day
// like "26 Jul 2024"; 0 if it reads differently.
std::int64_t template_time(const std::string& date_string);

// How one model's conversations become tokens: its chat template, tokenizer
// and stop tokens. Training, extraction, steering and judging all go through
// here, so they see the same bytes. A value that is cheap to copy; const
// functions may be called from many threads at once.
class ChatFormat {
 public:
  // Reads tokenizer.json, tokenizer_config.json, chat_template.jinja (it wins
  // over the key in tokenizer_config.json), generation_config.json and
  // config.json of a model folder; all but the first may be missing. Of a GGUF
  // file it reads what its metadata say in their place. Without
  // a template conversations are plain text: system, question and answer,
  // each on its own line.
  // Throws Error{kBadInput} for what cannot be read or parsed.
  static ChatFormat load(const std::filesystem::path& folder,
                         const ChatFormatOptions& options = {});

  // The same from the files' contents; `folder` names them in messages.
  static ChatFormat from_files(Tokenizer tokenizer,
                               const ChatFormatFiles& files,
                               const std::filesystem::path& folder,
                               const ChatFormatOptions& options = {});

  // The same from parts. `chat_template` empty = plain text.
  static ChatFormat from_parts(Tokenizer tokenizer, std::string chat_template,
                               std::string bos_token, std::string eos_token,
                               std::vector<std::int32_t> stop_ids,
                               const ChatFormatOptions& options = {});

  // The text that encode_prompt() tokenises: all messages and the generation
  // prompt.
  std::string prompt_text(std::span<const ChatMessage> messages) const;
  // The text of a whole conversation without a generation prompt.
  std::string full_text(std::span<const ChatMessage> messages) const;

  // What the template makes of messages of any shape (tool calls, content
  // parts), as apply_chat_template does: nothing is folded; `variables`
  // (tools, enable_thinking, ...) win over the format's own.
  std::string render_json(const Json& messages, const Json& variables,
                          bool generation_prompt) const;

  // A prompt to be continued by the model: ids end with the generation
  // prompt. What a thinking model writes there are thoughts first; see
  // read_answer().
  // Throws Error{kBadInput} if the template refuses the conversation.
  EncodedChat encode_prompt(std::span<const ChatMessage> messages) const;

  // The prompt behind which encode() puts an answer without thoughts of its
  // own: that of encode_prompt(), and where the template has them with the
  // marks of an empty think block. Its last token is the one that predicts an
  // answer that is trained or measured.
  EncodedChat encode_answer_prompt(std::span<const ChatMessage> messages) const;

  // A conversation whose last message is the assistant's answer, which stands
  // where the template puts a finished answer, never in an open think block.
  // Its first prompt_length ids are those of encode_answer_prompt() without
  // that message, unless the message has thoughts. Ids end with the first stop
  // token after the answer, or with the end of the template's {% generation %}
  // block where it has one.
  // Throws Error{kBadInput} if the last role is not "assistant" or the
  // answer's text cannot be found in what the template made of it.
  EncodedChat encode(std::span<const ChatMessage> messages) const;

  // Takes what a model wrote behind encode_prompt() apart into thoughts and
  // answer; `thinking_open` is that prompt's thinking.open.
  WrittenAnswer read_answer(std::span<const std::int32_t> ids,
                            bool thinking_open) const;
  // Tokens of it inside of the think block.
  ThinkingBlock read_thinking(std::span<const std::int32_t> ids,
                              bool thinking_open) const;
  // Whether template or tokenizer have marks of a think block.
  bool has_thinking() const;

  const Tokenizer& tokenizer() const;
  // Tokens that end an answer: every eos id of generation_config.json,
  // config.json and tokenizer_config.json, and a special token with which the
  // template ends every answer, ascending.
  const std::vector<std::int32_t>& stop_ids() const;
  // GenerationOptions::repetition_penalty of this model: that of the options
  // or of generation_config.json (config.json where there is none), else 1.
  double repetition_penalty() const;
  // Of template, tokenizer, special tokens and options: equal formats give
  // equal ids.
  const std::string& fingerprint() const;
  bool has_template() const;
  // The template refuses or drops system turns; their text is put before the
  // first user message, a blank line between.
  bool folds_system() const;
  // What a user should know: e.g. a prompt that begins with two bos tokens.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  static std::shared_ptr<const State> complete(
      std::shared_ptr<State> state, const std::string& source,
      const std::string& origin, const ChatFormatOptions& options);
  std::shared_ptr<const State> state_;
};

}  // namespace veer
