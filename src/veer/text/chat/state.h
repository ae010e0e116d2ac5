// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/jinja/jinja.h"
#include "veer/text/chat/chat_format.h"
#include "veer/text/chat/thinking.h"

namespace veer {

struct LocatedAnswer;
using TokenRange = std::pair<std::size_t, std::size_t>;

// What ChatFormat knows; immutable once made.
struct ChatFormat::State {
  explicit State(Tokenizer t) : tokenizer(std::move(t)) {}

  JinjaRender render(std::span<const ChatMessage> messages,
                     bool generation_prompt) const;
  // What a template is given besides messages.
  Json variables(bool generation_prompt) const;
  std::vector<std::int32_t> encode(std::string_view text,
                                   std::span<const OriginRun> runs) const;
  std::vector<std::int32_t> encode_prompt(
      std::string_view text, std::span<const OriginRun> runs) const;
  void append_answer(std::vector<std::int32_t>& ids, std::string_view text,
                     std::span<const OriginRun> runs,
                     std::size_t prompt_bytes) const;
  void end_answer(EncodedChat& out, std::span<const TokenRange> ranges,
                  const LocatedAnswer& answer) const;
  bool is_stop(std::int32_t id) const;
  std::int64_t without_stop(std::span<const std::int32_t> ids,
                            std::int64_t begin, std::int64_t end) const;

  // Finds out whether the template takes system turns, and writes notes.
  void probe();
  // Adds a special token that ends every answer to the stop tokens, and says
  // so; also says where a turn ends with no stop token at all.
  void stop_at_turn_end();
  // Takes what generation_config.json (`config`, at `path`) asks for, unless
  // the options choose, and notes what is not followed.
  void follow_generation_config(const Json& config,
                                const std::filesystem::path& path,
                                const ChatFormatOptions& chosen);
  // Notes on tokens that `config`, a config.json, leaves no room for.
  void note_vocabulary(const Json& config);
  // Notes on template variables that do nothing, and on switches of thinking
  // that nobody set.
  void note_variables();
  // Notes on prompts that open a think block.
  void note_thinking();
  // Fills `fingerprint`.
  void identify(std::string_view template_source);

  Tokenizer tokenizer;
  std::optional<JinjaTemplate> chat_template;
  Json special_tokens = Json::object();  // bos_token, ... as variables
  std::optional<std::int32_t> begin_id;
  std::optional<std::int32_t> end_id;  // closes plain text
  std::vector<std::int32_t> stop_ids;  // ascending
  ChatFormatOptions options;
  double repetition_penalty = 1.0;
  Json template_vars = Json::object();  // of the options
  std::int64_t now = 0;
  std::string fingerprint;
  bool folds_system = false;
  std::vector<std::string> notes;
  // Of the template, or, where it names none, of the tokenizer.
  std::optional<ThinkMarks> marks;
  bool template_thinks = false;  // the marks are the template's
};

}  // namespace veer
