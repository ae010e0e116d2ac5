// SPDX-License-Identifier: MIT
#include "cli/judge.h"

#include "cli/verbs.h"

namespace veer::cli {

void setup_judge(Commands& commands) {
  auto options = std::make_shared<JudgeOptions>();
  CLI::App& app = commands.add(
      "judge", "further judges of a run's answers, and how they agree", options,
      run_judge);
  app.add_option("--run", options->run, "run folder with its sweep")
      ->required();
  app.add_option("--answers", options->answers,
                 "answers in the sample, 0 = all (default 200)");
  app.add_option("--seed", options->seed, "of the sample");
  app.add_flag("--self", options->self,
               "the run's base model, unsteered, with a fixed rubric");
  app.add_flag("--choice", options->choice,
               "that model again, choosing between the two reference answers");
  auto* endpoint =
      app.add_option("--endpoint", options->endpoint,
                     "OpenAI-compatible endpoint, http(s)://HOST/v1");
  app.add_option("--endpoint-model", options->endpoint_model,
                 "model to ask for there")
      ->needs(endpoint);
  app.add_option("--key-env", options->key_env,
                 "environment variable that holds its key");
  app.add_option("--timeout", options->timeout, "seconds for one request");
  app.add_option("--retries", options->retries, "of one request");
  app.add_option("--first-wait", options->first_wait,
                 "seconds before the first retry, doubled each time");
  app.add_option("--rate", options->requests_per_minute,
                 "requests per minute, 0 = no limit");
  app.add_option("--price", options->price,
                 "price of a million tokens, for the estimate");
  app.add_flag("--yes", options->yes, "send what costs something");
  app.add_option("--sheet-out", options->sheet_out,
                 "write a blind sheet (CSV) for a person");
  app.add_option("--sheet-in", options->sheet_in, "read that sheet, labelled");
}

}  // namespace veer::cli
