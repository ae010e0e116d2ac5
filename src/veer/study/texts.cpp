// SPDX-License-Identifier: MIT
#include "veer/study/texts.h"

#include <algorithm>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "veer/base/hash.h"
#include "veer/generation/generate.h"

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
    std::vector<std::string> fresh;
    for (auto& completion :
         generate_all(context.model(), nullptr, chunk, options, inner)) {
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

}  // namespace veer
