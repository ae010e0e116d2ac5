// SPDX-License-Identifier: MIT
//
// Think blocks: what a model writes for itself before it answers. Marks are
// text; where a tokenizer has them as single tokens they are the same text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace veer {

class Tokenizer;

// What begins a family's thoughts and what ends them.
struct ThinkMarks {
  std::string open;
  std::string close;
  // Ends the thoughts before `close` begins, where a family has that
  // (channels); empty = `close` does.
  std::string end;

  bool operator==(const ThinkMarks&) const = default;
};

// The marks that occur in `text`, such as the source of a chat template: of
// the known pairs the first whose closing mark does, else the first whose
// opening one does.
std::optional<ThinkMarks> find_think_marks(std::string_view text);
// The pair of which the tokenizer has both marks as tokens of their own.
std::optional<ThinkMarks> find_think_marks(const Tokenizer& tokenizer);

// Bytes of a think block; `begin` and `end` are what lies between the marks.
struct ThinkSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t behind = 0;  // first byte behind the closing mark
  bool opened = false;     // there is an opening mark
  bool closed = false;     // there is a closing mark, behind the opening one
};

// The last block in bytes [from, to) of `text`. A closing mark alone is a
// block without content.
ThinkSpan last_think_span(std::string_view text, std::size_t from,
                          std::size_t to, const ThinkMarks& marks);

// Tokens of a text that lie inside of the think block before its answer.
struct ThinkingBlock {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  // A prompt that leaves its block open: what is written next is thought.
  bool open = false;

  bool operator==(const ThinkingBlock&) const = default;
};

// What a model wrote behind a prompt, taken apart.
struct WrittenAnswer {
  std::string text;      // the answer, without special tokens
  std::string thoughts;  // what was thought before it
  // First token of the answer; the number of tokens where there is none.
  std::int64_t begin = 0;
  // The text ended inside of its think block: there is no answer.
  bool in_thoughts = false;
};

// Takes `ids` apart. `open`: the prompt left its block open. Without marks
// all of it is the answer. What follows the last closing mark is the answer,
// as templates have it that drop thoughts from the history.
WrittenAnswer read_written(const Tokenizer& tokenizer,
                           const std::optional<ThinkMarks>& marks,
                           std::span<const std::int32_t> ids, bool open);

// Tokens of `ids` inside of the block that the prompt left open (`open`) or
// that they begin with. `open` of the result: not closed yet.
ThinkingBlock written_thoughts(const Tokenizer& tokenizer,
                               const ThinkMarks& marks,
                               std::span<const std::int32_t> ids, bool open);

}  // namespace veer
