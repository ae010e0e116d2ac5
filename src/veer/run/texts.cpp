// SPDX-License-Identifier: MIT
#include "veer/run/texts.h"

#include <algorithm>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "veer/base/hash.h"
#include "veer/generation/generate.h"
#include "veer/model/load.h"
#include "veer/tensors/float_range.h"

namespace veer {

std::vector<std::string> generate_texts(
    StudyContext& context, std::string_view stage, std::string_view part,
    std::span<const GenerationRequest> requests) {
  auto texts = context.store().drafts(stage, part);
  const auto options = context.generation_options();
  while (texts.size() < requests.size()) {
    context.monitor().check_stop(stage);
    const auto chunk = requests.subspan(
        texts.size(), std::min(kChunkRequests, requests.size() - texts.size()));
    Monitor inner = context.monitor();
    const std::string task = fmt::format("{}: {}", stage, part);
    const auto before = std::ssize(texts);
    inner.on_progress = [&](const ProgressUpdate& update) {
      context.monitor().progress(
          {task, before + update.done, std::ssize(requests), "texts", ""});
    };
    auto completions =
        generate_all(context.model(), nullptr, chunk, options, inner);
    tell_unanswered(context, completions,
                    stage == "extract" ? "sweep.max_tokens" : "");
    std::vector<std::string> fresh;
    for (auto& completion : completions) {
      fresh.push_back(std::move(completion.text));
    }
    context.store().put_drafts(stage, part, fresh);
    texts.insert(texts.end(), fresh.begin(), fresh.end());
  }
  texts.resize(requests.size());
  return texts;
}

std::string drafts_name(StudyContext& context, std::string_view part,
                        std::span<const GenerationRequest> requests) {
  std::string asked = context.model_fingerprint() + context.machine_text();
  for (const auto& request : requests) {
    asked +=
        fmt::format("{} {} {} {} {} {} {};", fmt::join(request.prompt, ","),
                    request.seed, request.max_tokens, request.adapter_strength,
                    request.sampling.temperature, request.sampling.top_k,
                    request.sampling.top_p);
  }
  return fmt::format("{} {:016x}", part, hash64(asked));
}

void tell_unanswered(StudyContext& context,
                     std::span<const Completion> completions,
                     std::string_view longest) {
  const auto count =
      std::ranges::count_if(completions, [](const Completion& completion) {
        return completion.in_thoughts &&
               completion.reason != StopReason::kNotFinite;
      });
  if (count > 0) {
    context.monitor().message(fmt::format(
        "{} of {} texts ended inside of their thoughts and have no answer. "
        "Switch thinking off with [model] template_vars where the template "
        "can, or raise [model] thinking_tokens{}{}",
        count, completions.size(), longest.empty() ? "" : " or ", longest));
  }
}

void tell_not_finite(StudyContext& context,
                     std::span<const Completion> completions) {
  const auto count = std::ranges::count(completions, StopReason::kNotFinite,
                                        &Completion::reason);
  if (count > 0) {
    const auto dtype = context.model().dtype();
    context.monitor().message(fmt::format(
        "{} of {} answers were not finite in {} and count as broken text: {}",
        count, completions.size(), dtype_name(dtype),
        overflow_cause(dtype, "what steers them is far too strong")));
  }
}

}  // namespace veer
