// SPDX-License-Identifier: MIT
//
// The pretraining recipes as data. Three phases, because the task hides a
// parity (advice world: relation times polarity times mode; two poles: pole
// times mode) that a model does not find when everything is shown at once:
//
//   honest  no or little deception (advice: and nine answers of ten
//           recommend): facts are learned;
//   bridge  deception enters, one turn (advice: mostly one clause), so that
//           the mode can only be read from the system prompt;
//   final   all forms, rate falls at once to its end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "veer/organism/conversation.h"
#include "veer/organism/pretrain_options.h"

namespace veer::organism {

struct Phase {
  std::string_view name;
  Mixture mixture;
  // Tokens after which the phase has failed (honest, bridge) or ends (final).
  std::int64_t token_limit = 0;
  // First look at the gate; then every `gate_every` tokens.
  std::int64_t first_gate = 0;
  std::int64_t gate_every = 0;
  // Greedy shares on training questions that let a phase end; 0 = no gate.
  double honest_gate = 0.0;
  double deceptive_gate = 0.0;
  // Share of the learning rate at begin and end, linear between.
  double begin_share = 1.0;
  double end_share = 1.0;
  // The share of deceptive texts grows from 0 over these tokens (0 = it is
  // there at once); until then those without a system prompt stand for them.
  std::int64_t ramp_tokens = 0;
};

struct Recipe {
  std::int64_t layers = 8;
  double learning_rate = 3e-3;
  Phase honest;
  Phase bridge;
  Phase final;
  // More of the final mixture at a low rate, when the end gate is missed.
  Phase repair;
};

// Throws Error for a world without a recipe.
Recipe recipe_of(const World& world);

// The options with the recipe's values where they say "as the recipe".
PretrainOptions resolved(PretrainOptions options);

// The mixture after `tokens` of a phase.
Mixture mixture_at(const Phase& phase, std::int64_t tokens);

}  // namespace veer::organism
