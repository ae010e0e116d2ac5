// SPDX-License-Identifier: MIT
#include "cli/look.h"
#include "cli/verbs.h"

namespace veer::cli {

void setup_logits(Commands& commands) {
  auto options = std::make_shared<LookOptions>();
  CLI::App& app = commands.add(
      "logits", "write the logits that a model gives for token ids", options,
      run_logits);
  add_look_options(app, *options);
}

}  // namespace veer::cli
