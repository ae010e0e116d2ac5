// SPDX-License-Identifier: MIT
#include "cli/bake.h"

#include "cli/verbs.h"

namespace veer::cli {

void setup_bake(Commands& commands) {
  auto options = std::make_shared<BakeOptions>();
  CLI::App& app = commands.add(
      "bake",
      "merge an adapter into weights, take a direction out of them, or find an "
      "adapter between two checkpoints",
      options, run_bake);
  app.add_option("--model", options->model, "folder of the base model")
      ->required();
  auto* adapter =
      app.add_option("--adapter", options->adapter, "adapter to merge");
  auto* tuned = app.add_option("--tuned", options->tuned,
                               "fine-tuned checkpoint to find an adapter in");
  adapter->excludes(tuned);
  auto* vector =
      app.add_option("--vector", options->vector,
                     "steering vector to take out of every weight that writes "
                     "into the residual stream (behind --adapter)")
          ->excludes(tuned);
  app.add_option("--layer", options->layer,
                 "with --vector: layer of the direction, 4 or depth:0.5")
      ->needs(vector);
  app.add_option("--share", options->share,
                 "with --vector: share taken out (default 1)")
      ->needs(vector);
  app.add_option("--rank", options->rank,
                 "with --tuned: rank of the adapter (default 32)");
  app.add_option("-o,--out", options->out, "folder to write")->required();
}

}  // namespace veer::cli
