// SPDX-License-Identifier: MIT
// veer vector: one steering vector from a file of pairs, in one step.
#include "cli/vector.h"

#include "cli/chat_tokens.h"
#include "cli/verbs.h"
#include "veer/base/settings.h"

namespace veer::cli {
namespace {

// The keys of [dataset] that say how a file of pairs is read.
void add_reading_flags(CLI::App& app, VectorOptions& options) {
  for (const auto& field : setting_fields(options.reading)) {
    if (field.path != "side" && field.path != "choices" &&
        field.path != "skip_bad_rows" && !field.path.starts_with("columns.")) {
      continue;
    }
    const auto set = [&options, path = field.path](const std::string& text) {
      apply_setting(setting_fields(options.reading), path, text);
    };
    app.add_option_function<std::string>("--dataset." + field.path, set,
                                         field.help)
        ->take_last();
  }
}

}  // namespace

void setup_vector(Commands& commands) {
  auto options = std::make_shared<VectorOptions>();
  CLI::App& app = commands.add(
      "vector", "make one steering vector from a file of answer pairs", options,
      run_vector);
  app.add_option("--model", options->model,
                 "organism, or a folder in Hugging Face layout")
      ->required();
  app.add_option("--template-vars,--model.template_vars",
                 options->template_vars, kTemplateVarsHelp);
  app.add_option("--pairs", options->pairs,
                 "questions with an honest and a deceptive answer: any file or "
                 "folder that dataset.source takes")
      ->required();
  app.add_option("-o,--out", options->out, "vector file to write, .safetensors")
      ->required();
  app.add_option("--position", options->position,
                 "answer_mean (default), answer_first, answer_last, "
                 "prompt_end, ...");
  app.add_option("--method", options->method,
                 "mean_diff (default), pca_diff, logistic, ...");
  app.add_option("--contrast", options->contrast,
                 "what is subtracted from what; default content_base (the two "
                 "answers), inside the prompt contrastive (the two system "
                 "prompts)");
  app.add_option("--site", options->site,
                 "resid_post (default), resid_mid, ...");
  app.add_option("--layers", options->layers,
                 "3, 2-5 or depth:0.5, several; default every layer");
  app.add_option("--max-pairs,--max_pairs", options->max_pairs,
                 "only the first pairs of the file, 0 = all")
      ->check(CLI::NonNegativeNumber);
  app.add_option(
      "--honest-prompt,--honest_prompt", options->honest_prompt,
      "system prompt of the honest side, where the contrast has one");
  app.add_option("--deceptive-prompt,--deceptive_prompt",
                 options->deceptive_prompt, "of the deceptive side");
  add_reading_flags(app, *options);
  app.add_option("--seed", options->seed, "of random methods and halves");
  app.add_option("--device", options->device, "auto, cpu, cuda or cuda:N");
  app.add_option("--dtype", options->dtype,
                 "auto, float32, bfloat16 or float16");
  app.add_option("--threads", options->threads, "CPU threads, 0 = all cores");
}

}  // namespace veer::cli
