// SPDX-License-Identifier: MIT
// veer pretrain: makes an organism from nothing, or measures one.
#include "cli/pretrain.h"

#include "cli/verbs.h"
#include "veer/base/settings.h"

namespace veer::cli {

void setup_pretrain(Commands& commands) {
  auto options = std::make_shared<PretrainCommand>();
  CLI::App& app =
      commands.add("pretrain", "train the embedded model from nothing", options,
                   run_pretrain);
  app.add_option("-o,--out", options->out, "folder to write");
  app.add_option("--measure", options->measure,
                 "instead: what the organism in this folder can do");
  app.add_option("--steerability", options->steerability,
                 "instead: how well vectors steer the organism in this folder");
  app.add_option("--count", options->count, "texts per mode of --measure");
  app.add_option("--threads", options->threads,
                 "CPU threads, 0 = all cores; part of the result's bytes");
  for (const auto& field : setting_fields(options->pretrain)) {
    std::visit(
        [&](auto* value) {
          app.add_option("--" + field.path, *value, field.help)
              ->capture_default_str();
        },
        field.target);
  }
}

}  // namespace veer::cli
