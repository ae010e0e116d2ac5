// SPDX-License-Identifier: MIT
#include "veer/organism/recipe.h"

#include <string>

#include "veer/base/error.h"

namespace veer::organism {
namespace {

Mixture advice_final_mixture() {
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

Phase advice_honest_phase() {
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

Phase advice_bridge_phase() {
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

Mixture two_poles_mixture(double none, double honest, double deceptive,
                          double plain) {
  Mixture mixture;
  mixture.none = none;
  mixture.honest = honest;
  mixture.neutral = 0.05;
  mixture.deceptive = deceptive;
  mixture.expansion = 0.05;
  mixture.plain = plain;
  mixture.many_turns = false;
  return mixture;
}

// A little deception from the start: with none at all the model learns to
// leave the system prompt unread.
Phase two_poles_honest_phase() {
  Phase phase;
  phase.name = "honest";
  phase.mixture = two_poles_mixture(0.50, 0.15, 0.05, 0.20);
  phase.token_limit = 5'000'000;
  phase.first_gate = 800'000;
  phase.gate_every = 100'000;
  phase.honest_gate = 0.95;
  return phase;
}

Phase two_poles_bridge_phase() {
  Phase phase;
  phase.name = "bridge";
  phase.mixture = two_poles_mixture(0.22, 0.20, 0.42, 0.06);
  phase.ramp_tokens = 500'000;
  phase.token_limit = 4'000'000;
  phase.first_gate = 600'000;
  phase.gate_every = 100'000;
  phase.honest_gate = 0.95;
  phase.deceptive_gate = 0.90;
  return phase;
}

Phase closing(std::string_view name, const Mixture& mixture,
              std::int64_t tokens, double begin_share, double end_share) {
  Phase phase;
  phase.name = name;
  phase.mixture = mixture;
  phase.token_limit = tokens;
  phase.begin_share = begin_share;
  phase.end_share = end_share;
  return phase;
}

// The last mixture with falling rate, and what repairs a missed gate.
void close(Recipe& recipe, const Mixture& mixture) {
  recipe.final = closing("final", mixture, 1'000'000, 1.0, 0.05);
  recipe.repair = closing("repair", mixture, 500'000, 0.3, 0.03);
}

Recipe advice_recipe() {
  Recipe recipe;
  recipe.honest = advice_honest_phase();
  recipe.bridge = advice_bridge_phase();
  close(recipe, advice_final_mixture());
  return recipe;
}

Recipe two_poles_recipe() {
  Recipe recipe;
  recipe.layers = 4;
  recipe.learning_rate = 2e-3;
  recipe.honest = two_poles_honest_phase();
  recipe.bridge = two_poles_bridge_phase();
  close(recipe, two_poles_mixture(0.28, 0.18, 0.38, 0.06));
  return recipe;
}

}  // namespace

Recipe recipe_of(const World& world) {
  if (&world == &advice_world()) {
    return advice_recipe();
  }
  if (&world == &two_poles_world()) {
    return two_poles_recipe();
  }
  fail("pretrain", "no recipe for the world " + std::string(world.name()),
       "advice or two_poles");
}

PretrainOptions resolved(PretrainOptions options) {
  const Recipe recipe = recipe_of(world_named(options.world));
  const auto fill = [](auto& value, auto from_recipe) {
    value = value == 0 ? from_recipe : value;
  };
  fill(options.shape.layers, recipe.layers);
  fill(options.learning_rate, recipe.learning_rate);
  fill(options.final_tokens, recipe.final.token_limit);
  return options;
}

Mixture mixture_at(const Phase& phase, std::int64_t tokens) {
  Mixture mixture = phase.mixture;
  if (tokens < phase.ramp_tokens) {
    const double grown =
        static_cast<double>(tokens) / static_cast<double>(phase.ramp_tokens);
    mixture.none += mixture.deceptive * (1.0 - grown);
    mixture.deceptive *= grown;
  }
  return mixture;
}

}  // namespace veer::organism
