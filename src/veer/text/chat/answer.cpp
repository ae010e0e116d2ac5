// SPDX-License-Identifier: MIT
#include "veer/text/chat/answer.h"

#include <algorithm>
#include <utility>

#include "veer/base/error.h"

namespace veer {
namespace {

using Range = std::pair<std::size_t, std::size_t>;
constexpr auto kNowhere = std::string::npos;

// First and last byte of an origin; begin = end = npos if there is none.
Range find_origin(std::span<const OriginRun> runs, std::int32_t origin,
                  std::size_t from) {
  Range out{kNowhere, kNowhere};
  std::size_t at = 0;
  for (const OriginRun& run : runs) {
    const std::size_t end = at + run.length;
    if (run.origin == origin && end > from) {
      if (out.first == kNowhere) {
        out.first = std::max(at, from);
      }
      out.second = end;
    }
    at = end;
  }
  return out;
}

std::int32_t origin_at(std::span<const OriginRun> runs, std::size_t byte) {
  std::size_t at = 0;
  for (const OriginRun& run : runs) {
    at += run.length;
    if (byte < at) {
      return run.origin;
    }
  }
  return OriginRun::kLiteral;
}

// First byte behind the last message content that ends at or before `until`
// and is not of message `except`: there a turn's header begins.
std::size_t header_begin(std::span<const OriginRun> runs, std::size_t until,
                         std::int32_t except) {
  std::size_t out = 0;
  std::size_t at = 0;
  for (const OriginRun& run : runs) {
    at += run.length;
    if (at <= until && run.origin != OriginRun::kLiteral &&
        run.origin != except) {
      out = at;
    }
  }
  return out;
}

bool only_space(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The last {% generation %} block that is not empty.
const Range* generation_span(const JinjaRender& full) {
  const auto span =
      std::find_if(full.generation_spans.rbegin(), full.generation_spans.rend(),
                   [](const Range& s) { return s.second > s.first; });
  return span == full.generation_spans.rend() ? nullptr : &*span;
}

// Where a found answer lies in the render, and the block that decides what is
// supervised.
struct Found {
  Range bytes;
  const Range* span = nullptr;
};

Found find_answer(const JinjaRender& full, std::int32_t origin,
                  std::string_view content, std::size_t from,
                  std::size_t empty_at) {
  Found out{find_origin(full.runs, origin, from), generation_span(full)};
  const bool missing = out.bytes.first == kNowhere;
  if (out.span != nullptr && !missing &&
      (out.bytes.first < out.span->first ||
       out.bytes.second > out.span->second)) {
    out.span = nullptr;
  }
  if (missing) {
    if (out.span != nullptr && out.span->first >= from) {
      out.bytes = *out.span;
    } else if (only_space(content) && empty_at != kNowhere) {
      out.bytes = {empty_at, empty_at};
    } else {
      fail("chat format",
           "the text of the answer cannot be found in what the template made "
           "of the conversation",
           "a template that prints the last assistant message",
           "the template drops or rewrites it");
    }
  }
  return out;
}

// The answer begins behind the block, which may be part of the content.
Range behind_block(const JinjaRender& full, std::int32_t origin, Range bytes,
                   const ThinkSpan& block) {
  if (block.behind <= bytes.first) {
    return bytes;
  }
  Range out{block.behind, std::max(bytes.second, block.behind)};
  if (origin_at(full.runs, block.behind - 1) == origin) {
    const auto first = full.text.find_first_not_of(" \t\r\n", out.first);
    out.first = std::min(first, out.second);
  } else if (const Range own = find_origin(full.runs, origin, block.behind);
             own.first != kNowhere) {
    out = own;
  } else {  // thoughts alone: the answer is empty
    out.second = out.first;
  }
  return out;
}

struct Thought {
  Found found;
  ThinkSpan block;
};

// The answer and the block before it. `empty_at`: where an empty answer is
// when there is no block.
Thought find_behind_thoughts(const JinjaRender& full, std::int32_t origin,
                             std::string_view content, const ThinkMarks& marks,
                             std::size_t empty_at) {
  const std::size_t size = full.text.size();
  // What a template prints of an answer stands behind all earlier turns.
  const std::size_t header = header_begin(
      full.runs, std::min(find_origin(full.runs, origin, 0).first, size),
      origin);
  if (const ThinkSpan any = last_think_span(full.text, header, size, marks);
      any.closed) {
    empty_at =
        std::min(full.text.find_first_not_of(" \t\r\n", any.behind), size);
  }
  Thought out;
  out.found = find_answer(full, origin, content, header, empty_at);
  Range& bytes = out.found.bytes;
  out.block = last_think_span(full.text, header, bytes.second, marks);
  if (out.block.closed) {
    bytes = behind_block(full, origin, bytes, out.block);
  } else {  // a mark within the answer is what it speaks of
    out.block = last_think_span(full.text, header, bytes.first, marks);
  }
  return out;
}

// A finished turn whose think block stays open would make the answer a
// thought: the block is closed before it as an empty one.
void close_block(LocatedAnswer& answer, const ThinkMarks& marks) {
  const bool line = answer.text.substr(0, answer.begin).ends_with('\n');
  std::string closing = line ? "\n" : "\n\n";
  closing += marks.close;
  closing += "\n\n";
  std::vector<OriginRun> runs;
  std::size_t at = 0;
  bool inserted = false;
  for (const OriginRun& run : answer.runs) {
    const std::size_t end = at + run.length;
    if (!inserted && end > answer.begin) {
      const auto before = static_cast<std::uint32_t>(answer.begin - at);
      if (before > 0) {
        runs.push_back({before, run.origin});
      }
      runs.push_back(
          {static_cast<std::uint32_t>(closing.size()), OriginRun::kLiteral});
      runs.push_back(
          {static_cast<std::uint32_t>(end - answer.begin), run.origin});
      inserted = true;
    } else {
      runs.push_back(run);
    }
    at = end;
  }
  if (!inserted) {
    runs.push_back(
        {static_cast<std::uint32_t>(closing.size()), OriginRun::kLiteral});
  }
  answer.runs = std::move(runs);
  answer.text.insert(answer.begin, closing);
  answer.thoughts.closed = true;
  answer.thoughts.end = answer.begin + closing.find(marks.close);
  answer.begin += closing.size();
  answer.end += closing.size();
  if (answer.supervised_end) {
    *answer.supervised_end += closing.size();
  }
  answer.thoughts.behind = answer.begin;
}

// The whole render, its prompt being all that stands before the answer.
LocatedAnswer whole_render(const JinjaRender& full, const Found& found,
                           const ThinkSpan& block, const ThinkMarks& marks) {
  LocatedAnswer out;
  out.text = full.text;
  out.runs = full.runs;
  out.begin = found.bytes.first;
  out.end = found.bytes.second;
  out.thoughts = block;
  if (found.span != nullptr) {
    out.supervised_end = found.span->second;
  }
  if (block.opened && !block.closed) {
    close_block(out, marks);
  }
  out.prompt_bytes = out.begin;
  return out;
}

// What follows the prompt where the render goes on from it, or else what
// follows the answer's first byte.
LocatedAnswer joined(const JinjaRender& prompt, const JinjaRender& full,
                     const Found& found, bool goes_on) {
  LocatedAnswer out;
  out.prompt_bytes = prompt.text.size();
  const std::size_t cut = goes_on ? out.prompt_bytes : found.bytes.first;
  out.text = prompt.text + full.text.substr(cut);
  out.runs = prompt.runs;
  const auto rest = cut_runs(full.runs, cut);
  out.runs.insert(out.runs.end(), rest.begin(), rest.end());
  out.begin = out.prompt_bytes + found.bytes.first - cut;
  out.end = out.prompt_bytes + found.bytes.second - cut;
  if (found.span != nullptr) {
    out.supervised_end = out.prompt_bytes + found.span->second - cut;
  }
  return out;
}

}  // namespace

ThinkSpan prompt_block(const JinjaRender& prompt, const ThinkMarks& marks) {
  const std::size_t end = prompt.text.size();
  return last_think_span(prompt.text,
                         header_begin(prompt.runs, end, OriginRun::kLiteral),
                         end, marks);
}

std::vector<OriginRun> take_runs(std::span<const OriginRun> runs,
                                 std::size_t end) {
  std::vector<OriginRun> out;
  std::size_t at = 0;
  for (const OriginRun& run : runs) {
    if (at < end) {
      out.push_back({static_cast<std::uint32_t>(
                         std::min<std::size_t>(run.length, end - at)),
                     run.origin});
    }
    at += run.length;
  }
  return out;
}

std::vector<OriginRun> cut_runs(std::span<const OriginRun> runs,
                                std::size_t begin) {
  std::vector<OriginRun> out;
  std::size_t at = 0;
  for (const OriginRun& run : runs) {
    const std::size_t end = at + run.length;
    if (end > begin) {
      out.push_back(
          {static_cast<std::uint32_t>(end - std::max(at, begin)), run.origin});
    }
    at = end;
  }
  return out;
}

LocatedAnswer locate_answer(const JinjaRender& prompt, const JinjaRender& full,
                            std::int32_t origin, std::string_view content,
                            const ThinkMarks* marks) {
  const bool goes_on = full.text.starts_with(prompt.text);
  const std::size_t from = goes_on ? prompt.text.size() : 0;
  if (marks == nullptr) {
    const std::size_t empty_at = goes_on ? from : kNowhere;
    return joined(prompt, full,
                  find_answer(full, origin, content, from, empty_at), goes_on);
  }
  const ThinkSpan asked = prompt_block(prompt, *marks);
  const bool asks_thoughts = asked.opened && !asked.closed;
  const auto [found, block] =
      find_behind_thoughts(full, origin, content, *marks,
                           goes_on && !asks_thoughts ? from : kNowhere);
  const bool has_thoughts =
      block.opened && !only_space(std::string_view(full.text).substr(
                          block.begin, block.end - block.begin));
  if (asks_thoughts ||
      (block.closed && (goes_on || !asked.closed || has_thoughts))) {
    return whole_render(full, found, block, *marks);
  }
  LocatedAnswer out = joined(prompt, full, found, goes_on);
  out.thoughts = asked;
  return out;
}

}  // namespace veer
