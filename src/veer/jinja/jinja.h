// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/base/error.h"
#include "veer/base/json.h"

namespace veer {

// Bounds that a template cannot leave, whatever it says. Reaching one is an
// Error that names it.
struct JinjaLimits {
  std::size_t max_template_bytes = std::size_t{1} << 20;
  // Evaluated nodes, loop rounds and copied items, all together.
  std::int64_t max_steps = 10'000'000;
  // Nesting of blocks, expressions, values and macro calls.
  std::int64_t max_depth = 200;
  std::size_t max_output_bytes = std::size_t{64} << 20;
  // Bytes of all strings made while rendering.
  std::size_t max_string_bytes = std::size_t{256} << 20;
};

// Bytes of rendered text and where they come from.
struct OriginRun {
  // Bytes that no message content gave: literals of the template, roles,
  // bos, tools, names.
  static constexpr std::int32_t kLiteral = -1;

  std::uint32_t length = 0;
  // k = content of message k.
  std::int32_t origin = kLiteral;

  bool operator==(const OriginRun&) const = default;
};

struct JinjaRender {
  std::string text;
  // Cover the text from its first byte to its last; neighbours differ.
  std::vector<OriginRun> runs;
  // Byte ranges of {% generation %} blocks, in order.
  std::vector<std::pair<std::size_t, std::size_t>> generation_spans;
};

// What a template throws with raise_exception(): it refuses the conversation.
class TemplateRefusal : public Error {
 public:
  using Error::Error;
};

namespace jinja {
struct Program;
}

// A chat template, parsed once. Text is byte for byte what jinja2 3.1 renders
// in the environment of Hugging Face's apply_chat_template: immutable
// sandbox, trim_blocks, lstrip_blocks, loop controls, {% generation %}, its
// tojson, raise_exception and strftime_now. docs/formats/chat_templates.md
// lists the language and the known deviations.
//
// A value that is cheap to copy; const functions may be called from many
// threads at once.
class JinjaTemplate {
 public:
  // Throws Error{kBadInput} with line and column for wrong syntax and for
  // every construct, filter or test that is not supported, by name.
  static JinjaTemplate parse(std::string_view source, std::string_view origin,
                             const JinjaLimits& limits = {});

  // `variables` is an object: messages, tools, bos_token, ... A string at
  // messages[k].content (or its parts' "text") carries origin k through
  // concatenation, trimming, slicing, splitting and replacing. When given,
  // `content_runs[k]` marks the bytes of messages[k].content instead (an empty
  // list leaves the default).
  // `now` (seconds since 1970, read as UTC) is what strftime_now() shows.
  //
  // Throws TemplateRefusal for raise_exception() and Error{kBadInput} for
  // everything that jinja2 would raise, with line and column.
  JinjaRender render(const Json& variables,
                     std::span<const std::vector<OriginRun>> content_runs = {},
                     std::int64_t now = 0) const;

  // Every name that the template reads, in order of the alphabet: variables
  // that are given or set, and functions. A variable that is not among them
  // does nothing.
  std::vector<std::string> names() const;

 private:
  std::shared_ptr<const jinja::Program> program_;
};

}  // namespace veer
