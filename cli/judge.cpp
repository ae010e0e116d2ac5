// SPDX-License-Identifier: MIT
#include "cli/judge.h"

#include "cli/verbs.h"

namespace veer::cli {
namespace {

// Short forms of keys of [judge]; the manifest of the run has the others.
constexpr std::pair<const char*, const char*> kShortForms[] = {
    {"judge.answers", "--answers"},
    {"model.template_vars", "--template-vars"},
    {"judge.endpoint.url", "--endpoint"},
    {"judge.endpoint.model", "--endpoint-model"},
    {"judge.endpoint.key_env", "--key-env"},
    {"judge.endpoint.temperature", "--temperature"},
    {"judge.endpoint.extra_body", "--extra-body"},
    {"judge.endpoint.headers", "--headers"},
    {"judge.endpoint.token_limit_name", "--token-limit-name"},
    {"judge.endpoint.token_limit", "--token-limit"},
    {"judge.endpoint.timeout", "--timeout"},
    {"judge.endpoint.retries", "--retries"},
    {"judge.endpoint.first_wait", "--first-wait"},
    {"judge.endpoint.requests_per_minute", "--rate"},
    {"judge.endpoint.parallel", "--parallel"},
    {"judge.endpoint.price", "--price"},
    {"judge.endpoint.cost_limit", "--cost-limit"},
};

void add_setting_flags(CLI::App& app, JudgeOptions& options) {
  Manifest defaults;
  for (const auto& field : setting_fields(defaults)) {
    for (const auto& [path, short_form] : kShortForms) {
      if (field.path != path) {
        continue;
      }
      const auto set = [&options, key = field.path](const std::string& text) {
        options.flags.emplace_back(key, text);
        options.endpoint |=
            key == "judge.endpoint.url" || key == "judge.endpoint.model";
      };
      app.add_option_function<std::string>(
             std::string(short_form) + ",--" + field.path, set, field.help)
          ->take_last();
    }
  }
}

}  // namespace

void setup_judge(Commands& commands) {
  auto options = std::make_shared<JudgeOptions>();
  CLI::App& app = commands.add(
      "judge", "further judges of a run's answers, and how they agree", options,
      run_judge);
  app.add_option("--run", options->run, "run folder with its sweep")
      ->required();
  app.add_option("--seed", options->seed, "of the sample (default: the run's)");
  app.add_flag("--self", options->self,
               "the run's base model, unsteered, with a fixed rubric");
  app.add_flag("--choice", options->choice,
               "that model again, choosing between the two reference answers");
  add_setting_flags(app, *options);
  app.add_flag("--yes", options->yes, "send what costs something");
  app.add_option("--sheet-out", options->sheet_out,
                 "write a blind sheet (CSV) for a person");
  app.add_option("--sheet-in", options->sheet_in, "read that sheet, labelled");
  app.footer(
      "Without --self, --choice and --endpoint: the judges of judge.further in "
      "the run's manifest.");
}

}  // namespace veer::cli
