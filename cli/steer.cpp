// SPDX-License-Identifier: MIT
#include "cli/steer.h"

#include "cli/verbs.h"

namespace veer::cli {

void setup_steer(Commands& commands) {
  auto options = std::make_shared<SteerOptions>();
  CLI::App& app = commands.add(
      "steer", "answer one question, or chat, plain beside steered", options,
      run_steer);
  app.add_option("question", options->question,
                 "what to ask; without it an interactive chat");
  app.add_option("--run", options->run,
                 "run folder: its model, adapter, vectors and best settings");
  app.add_option("--model", options->model,
                 "organism, or a folder in Hugging Face layout");
  app.add_option("--adapter", options->adapter, "folder in PEFT layout");
  app.add_flag("--tuned", options->tuned, "steer the fine-tuned model");
  app.add_option("--device", options->device, "auto, cpu, cuda or cuda:N");
  app.add_option("--dtype", options->dtype, "auto, float32 or bfloat16");
  app.add_option("--threads", options->threads, "CPU threads, 0 = all cores");
  const std::pair<const char*, const char*> kSettings[] = {
      {"vector", "file, or name of a vector of the run"},
      {"operator", "add, ablate, ... (default add)"},
      {"scale", "strength; negative suppresses"},
      {"unit", "raw, unit, rel (default), rel_token or sigma"},
      {"layers", "3 or 2,5 or 2-5 or all, all_same:3, increments, depth:0.5"},
      {"scope", "all, prompt, generated, first:N or from:N"},
      {"budget", "all layers: per_layer (default), per_root_layer or full"},
      {"norms", "of unit rel: auto, prompt, prompt_end or generated"},
      {"site", "where in the block: resid_post, resid_mid, ..."},
      {"threshold", "of soft and gated operators"},
      {"steepness", "of soft operators"},
      {"second", "the other vector of a rotation's plane"},
      {"adapter_strength", "of the adapter, instead of 0 or 1"},
      {"system", "system prompt"},
      {"temperature", "0 = greedy (default)"},
      {"max_tokens", "longest answer (default 64)"},
      {"seed", "of sampling"}};
  for (const auto& [name, help] : kSettings) {
    const auto set = [options,
                      key = std::string(name)](const std::string& text) {
      options->settings.emplace_back(key, text);
    };
    app.add_option_function<std::string>("--" + std::string(name), set, help)
        ->take_last();
  }
}

}  // namespace veer::cli
