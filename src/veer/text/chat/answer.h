// SPDX-License-Identifier: MIT
//
// Where a rendered conversation has its answer. Private to ChatFormat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/jinja/jinja.h"
#include "veer/text/chat/thinking.h"

namespace veer {

struct LocatedAnswer {
  std::string text;             // prompt, then everything behind it
  std::vector<OriginRun> runs;  // of all of it
  std::size_t prompt_bytes = 0;
  std::size_t begin = 0, end = 0;             // of the answer in `text`
  std::optional<std::size_t> supervised_end;  // by {% generation %}
  ThinkSpan thoughts;  // the block before the answer, in `text`
};

// The runs of the bytes from `begin` on.
std::vector<OriginRun> cut_runs(std::span<const OriginRun> runs,
                                std::size_t begin);

// The runs of the first `end` bytes.
std::vector<OriginRun> take_runs(std::span<const OriginRun> runs,
                                 std::size_t end);

// The think block at the end of a prompt, behind all contents of messages.
ThinkSpan prompt_block(const JinjaRender& prompt, const ThinkMarks& marks);

// The answer, message `origin` with this content, in a conversation rendered
// with a generation prompt before it (`prompt`) and without one (`full`).
// `marks`: of the template's think blocks, null where it has none. The text is
// `full` where it goes on as the prompt does, and where thoughts stand
// before the answer or would in the prompt; else what follows the prompt.
// Throws Error when the answer cannot be found.
LocatedAnswer locate_answer(const JinjaRender& prompt, const JinjaRender& full,
                            std::int32_t origin, std::string_view content,
                            const ThinkMarks* marks);

}  // namespace veer
