// SPDX-License-Identifier: MIT
//
// The pretraining recipe as data. Three phases, because the task hides a
// parity (relation times polarity times mode) that a model does not find when
// everything is shown at once:
//
//   honest  no deception, nine answers of ten recommend: facts are learned;
//   bridge  deception enters, one turn, mostly one clause, so that the mode
//           can only be read from the system prompt;
//   final   all forms, rate falls at once to its end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "veer/organism/conversation.h"

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
};

Phase honest_phase();
Phase bridge_phase();
Phase final_phase(std::int64_t tokens);
// More of the final mixture at a low rate, when the end gate is missed.
Phase repair_phase(std::int64_t tokens);

}  // namespace veer::organism
