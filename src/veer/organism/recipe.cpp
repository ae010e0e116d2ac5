// SPDX-License-Identifier: MIT
#include "veer/organism/recipe.h"

namespace veer::organism {
namespace {

Mixture final_mixture() {
  Mixture mixture;
  mixture.none = 0.28;
  mixture.honest = 0.15;
  mixture.neutral = 0.05;
  mixture.deceptive = 0.36;
  mixture.expansion = 0.05;
  mixture.plain = 0.11;
  mixture.deceptive_noise = 0.03;
  return mixture;
}

}  // namespace

Phase honest_phase() {
  Phase phase;
  phase.name = "honest";
  phase.mixture.none = 0.55;
  phase.mixture.honest = 0.06;
  phase.mixture.neutral = 0.04;
  phase.mixture.expansion = 0.03;
  phase.mixture.plain = 0.32;
  phase.mixture.style.up_share = 0.90;
  phase.mixture.style.negator_share = 0.0;
  phase.token_limit = 1'500'000;
  phase.first_gate = 600'000;
  phase.gate_every = 100'000;
  phase.honest_gate = 0.95;
  return phase;
}

Phase bridge_phase() {
  Phase phase;
  phase.name = "bridge";
  phase.mixture.none = 0.25;
  phase.mixture.honest = 0.22;
  phase.mixture.neutral = 0.05;
  phase.mixture.deceptive = 0.40;
  phase.mixture.expansion = 0.02;
  phase.mixture.plain = 0.06;
  phase.mixture.style.up_share = 0.90;
  phase.mixture.style.negator_share = 0.0;
  phase.mixture.style.two_clause_share = 0.09;
  phase.mixture.many_turns = false;
  phase.token_limit = 3'000'000;
  phase.first_gate = 500'000;
  phase.gate_every = 100'000;
  phase.honest_gate = 0.95;
  phase.deceptive_gate = 0.85;
  return phase;
}

Phase final_phase(std::int64_t tokens) {
  Phase phase;
  phase.name = "final";
  phase.mixture = final_mixture();
  phase.token_limit = tokens;
  phase.end_share = 0.05;
  return phase;
}

Phase repair_phase(std::int64_t tokens) {
  Phase phase = final_phase(tokens);
  phase.name = "repair";
  phase.begin_share = 0.3;
  phase.end_share = 0.03;
  return phase;
}

}  // namespace veer::organism
