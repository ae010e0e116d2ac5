// SPDX-License-Identifier: MIT
#include "veer/text/chat/thinking.h"

#include <algorithm>
#include <array>

#include "veer/text/chat/align.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace veer {
namespace {

struct KnownMarks {
  std::string_view open, close, end;
};

constexpr std::array kKnown = {
    KnownMarks{"<think>", "</think>", ""},
    KnownMarks{"<thinking>", "</thinking>", ""},
    KnownMarks{"<thought>", "</thought>", ""},
    KnownMarks{"<reasoning>", "</reasoning>", ""},
    KnownMarks{"<seed:think>", "</seed:think>", ""},
    KnownMarks{"[THINK]", "[/THINK]", ""},
    KnownMarks{"<|begin_of_thought|>", "<|end_of_thought|>", ""},
    KnownMarks{"<|START_THINKING|>", "<|END_THINKING|>", ""},
    KnownMarks{"\u25C1think\u25B7", "\u25C1/think\u25B7", ""},
    KnownMarks{"<|channel|>analysis<|message|>", "<|channel|>final<|message|>",
               "<|end|>"},
    KnownMarks{"Here is my thought process:", "Here is my response:", ""},
};

ThinkMarks marks_of(const KnownMarks& known) {
  return {std::string(known.open), std::string(known.close),
          std::string(known.end)};
}

bool only_space(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos
             ? ""
             : std::string(text.substr(
                   first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// What was written, as one text whose tokens are known.
struct Written {
  std::string text;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  ThinkSpan block;
};

Written written(const Tokenizer& tokenizer, const ThinkMarks& marks,
                std::span<const std::int32_t> ids, bool open) {
  Written out;
  out.text = tokenizer.decode(ids, /*skip_special=*/false);
  out.ranges = token_ranges(tokenizer, ids, out.text);
  ThinkSpan& block = out.block;
  const auto close = out.text.rfind(marks.close);
  block.closed = close != std::string::npos;
  block.end = block.closed ? close : out.text.size();
  block.behind = block.closed ? close + marks.close.size() : out.text.size();
  const auto first = out.text.find(marks.open);
  // A mark in the midst of a text is what the text speaks of.
  const bool begins = first != std::string::npos && first < block.end &&
                      only_space(std::string_view(out.text).substr(0, first));
  block.opened = open || begins;
  block.begin = begins         ? first + marks.open.size()
                : block.opened ? 0
                               : block.end;
  if (!marks.end.empty()) {
    block.end = std::min(block.end, out.text.find(marks.end, block.begin));
  }
  return out;
}

// The first token that reaches behind `byte`.
std::int64_t token_at(const Written& from, std::size_t byte) {
  std::size_t i = 0;
  while (i < from.ranges.size() && from.ranges[i].second <= byte) {
    ++i;
  }
  return static_cast<std::int64_t>(i);
}

}  // namespace

std::optional<ThinkMarks> find_think_marks(std::string_view text) {
  for (const bool closing : {true, false}) {
    for (const KnownMarks& known : kKnown) {
      if (text.find(closing ? known.close : known.open) !=
          std::string_view::npos) {
        return marks_of(known);
      }
    }
  }
  return std::nullopt;
}

std::optional<ThinkMarks> find_think_marks(const Tokenizer& tokenizer) {
  for (const KnownMarks& known : kKnown) {
    if (tokenizer.id(std::string(known.open)) &&
        tokenizer.id(std::string(known.close))) {
      return marks_of(known);
    }
  }
  return std::nullopt;
}

ThinkSpan last_think_span(std::string_view text, std::size_t from,
                          std::size_t to, const ThinkMarks& marks) {
  const std::string_view part = text.substr(from, to - from);
  const auto close = part.rfind(marks.close);
  const auto open = part.rfind(marks.open);
  const bool opened = open != std::string_view::npos;
  ThinkSpan out;
  if (close != std::string_view::npos && (!opened || open < close)) {
    out.closed = true;
    out.opened = opened;
    out.end = from + close;
    out.begin = opened ? from + open + marks.open.size() : out.end;
    out.behind = out.end + marks.close.size();
    if (opened && !marks.end.empty()) {
      out.end = std::min(out.end, text.find(marks.end, out.begin));
    }
  } else if (opened) {
    out.opened = true;
    out.begin = from + open + marks.open.size();
    out.end = out.behind = to;
  }
  return out;
}

WrittenAnswer read_written(const Tokenizer& tokenizer,
                           const std::optional<ThinkMarks>& marks,
                           std::span<const std::int32_t> ids, bool open) {
  WrittenAnswer out;
  if (marks) {
    const Written all = written(tokenizer, *marks, ids, open);
    const ThinkSpan& block = all.block;
    if (block.closed || block.opened) {
      if (block.opened) {
        out.thoughts = trimmed(std::string_view(all.text).substr(
            block.begin, block.end - block.begin));
      }
      if (!block.closed) {
        out.in_thoughts = true;
        out.begin = std::ssize(ids);
        return out;
      }
      const auto first = all.text.find_first_not_of("\r\n\t ", block.behind);
      const std::size_t byte = std::min(first, all.text.size());
      out.begin = token_at(all, byte);
      const auto rest = ids.subspan(static_cast<std::size_t>(out.begin));
      out.text = tokenizer.decode(rest, /*skip_special=*/true);
      // A token that holds the end of the mark and the answer's begin.
      if (!rest.empty()) {
        const std::size_t begin =
            all.ranges[static_cast<std::size_t>(out.begin)].first;
        out.text.erase(0, begin < byte ? byte - begin : 0);
      }
      return out;
    }
  }
  out.text = tokenizer.decode(ids, /*skip_special=*/true);
  return out;
}

ThinkingBlock written_thoughts(const Tokenizer& tokenizer,
                               const ThinkMarks& marks,
                               std::span<const std::int32_t> ids, bool open) {
  const Written all = written(tokenizer, marks, ids, open);
  if (!all.block.opened) {
    return {};
  }
  ThinkingBlock out;
  out.begin = token_at(all, all.block.begin);
  out.end = token_at(all, all.block.end);
  out.open = !all.block.closed;
  return out;
}

}  // namespace veer
