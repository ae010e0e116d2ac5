// SPDX-License-Identifier: MIT
//
// Any bytes as a chat template and as its variables. The input is the
// template; what follows its first 0xFF byte is JSON for it. Bytes give a text
// or one Error within the limits, and the runs cover the text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/jinja/jinja.h"

namespace {

constexpr std::string_view kVariables = R"({"messages": [
  {"role": "system", "content": "Be brief."},
  {"role": "user", "content": " Hi \u00e9\n"},
  {"role": "assistant", "content": "A<b>", "tool_calls": [{"id": "1",
   "function": {"name": "f", "arguments": {"x": [1, 2.5, null]}}}]}],
  "tools": [{"type": "function", "function": {"name": "f"}}],
  "documents": null, "add_generation_prompt": true, "bos_token": "<s>",
  "eos_token": "</s>", "n": 7, "x": -2.5, "t": true, "l": [3, 1, 2],
  "d": {"a": 1, "B": "c"}})";

void check(const veer::JinjaRender& render) {
  std::size_t covered = 0;
  for (const auto& run : render.runs) {
    covered += run.length;
  }
  std::size_t last = 0;
  bool good = covered == render.text.size();
  for (const auto& [begin, end] : render.generation_spans) {
    good = good && last <= begin && begin <= end && end <= render.text.size();
    last = begin;
  }
  if (!good) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find('\xFF');
  // Small limits: what stays within them is fast enough to be drawn often.
  const veer::JinjaLimits limits{.max_template_bytes = 1 << 14,
                                 .max_steps = 100'000,
                                 .max_depth = 100,
                                 .max_output_bytes = 1 << 20,
                                 .max_string_bytes = 1 << 22};
  try {
    const auto chat_template =
        veer::JinjaTemplate::parse(input.substr(0, cut), "fuzz", limits);
    const auto variables = veer::parse_json(
        cut == input.npos ? kVariables : input.substr(cut + 1), "variables");
    if (variables.is_object()) {
      check(chat_template.render(variables));
    }
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
  return 0;
}
