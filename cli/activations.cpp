// SPDX-License-Identifier: MIT
#include "cli/look.h"
#include "cli/verbs.h"

namespace veer::cli {

void setup_activations(Commands& commands) {
  auto options = std::make_shared<ActivationsOptions>();
  CLI::App& app = commands.add(
      "activations", "write the residual stream of token ids at every layer",
      options, run_activations);
  add_look_options(app, *options);
  app.add_option("--sites", options->sites,
                 "resid_pre, attn_out, resid_mid, mlp_out, resid_post "
                 "(default), separated by commas; SITE.LAYER for one layer")
      ->delimiter(',');
}

}  // namespace veer::cli
