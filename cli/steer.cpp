// SPDX-License-Identifier: MIT
#include "cli/steer.h"

#include "cli/chat_tokens.h"
#include "cli/verbs.h"
#include "veer/settings/steering_settings.h"

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
  app.add_option("--template-vars,--model.template_vars",
                 options->template_vars, kTemplateVarsHelp);
  app.add_flag("--tuned", options->tuned, "steer the fine-tuned model");
  app.add_option("--device", options->device, "auto, cpu, cuda or cuda:N");
  app.add_option("--dtype", options->dtype,
                 "auto, float32, bfloat16 or float16");
  app.add_option("--threads", options->threads, "CPU threads, 0 = all cores");
  // Every setting of the chat is a flag; its "model" is --tuned.
  SteeringSettings defaults;
  for (const auto& field : setting_fields(defaults)) {
    if (field.path == "model") {
      continue;
    }
    const auto set = [options, key = field.path](const std::string& text) {
      options->settings.emplace_back(key, text);
    };
    app.add_option_function<std::string>("--" + field.path, set, field.help)
        ->take_last();
  }
}

}  // namespace veer::cli
