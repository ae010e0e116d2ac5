// SPDX-License-Identifier: MIT
#pragma once

#include "cli/command.h"

namespace veer::cli {

// One line per verb, in the order of --help. A verb is listed once it works.
void setup_study(Commands& commands);  // and its stages
void setup_steer(Commands& commands);
void setup_pretrain(Commands& commands);
void setup_template(Commands& commands);
void setup_inspect(Commands& commands);
void setup_tokenize(Commands& commands);
void setup_logits(Commands& commands);
void setup_activations(Commands& commands);
void setup_bake(Commands& commands);
void setup_judge(Commands& commands);
void setup_convert(Commands& commands);
void setup_doctor(Commands& commands);
void setup_vector(Commands& commands);
void setup_models(Commands& commands);

inline void setup_verbs(Commands& commands) {
  setup_study(commands);
  setup_vector(commands);
  setup_steer(commands);
  setup_pretrain(commands);
  setup_template(commands);
  setup_inspect(commands);
  setup_tokenize(commands);
  setup_logits(commands);
  setup_activations(commands);
  setup_bake(commands);
  setup_judge(commands);
  setup_convert(commands);
  setup_models(commands);
  setup_doctor(commands);
}

}  // namespace veer::cli
