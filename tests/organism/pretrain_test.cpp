// SPDX-License-Identifier: MIT
#include "veer/organism/pretrain.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer::organism {
namespace {

const Vocabulary& vocabulary() {
  static const Vocabulary value;
  return value;
}

PretrainOptions tiny_options() {
  PretrainOptions options;
  options.shape = {
      .width = 16, .layers = 1, .heads = 2, .kv_heads = 1, .feed_forward = 24};
  options.learning_rate = 3e-3;
  options.warmup_steps = 5;
  options.gate_count = 4;
  return options;
}

Recipe advice() {
  return recipe_of(advice_world());
}

Phase final_phase_of(std::int64_t tokens) {
  Phase phase = advice().final;
  phase.token_limit = tokens;
  return phase;
}

struct Run {
  std::string fingerprint;
  double first_loss = NAN;
  double last_loss = NAN;
  std::int64_t tokens = 0;
};

Run run(std::uint64_t seed, Phase phase) {
  const auto options = tiny_options();
  const auto model =
      fresh_organism(options.shape, vocabulary(), Random(seed, "weights"));
  Run result;
  PretrainCallbacks callbacks;
  callbacks.on_row = [&](const PretrainRow& row) {
    if (std::isnan(result.first_loss)) {
      result.first_loss = row.loss;
    }
    result.last_loss = row.loss;
  };
  result.tokens =
      run_phase(model, vocabulary(), phase, options, seed, 0, callbacks);
  result.fingerprint = model.fingerprint();
  return result;
}

TEST(Pretrain, LearnsAndStopsAtItsLimit) {
  const auto result = run(1, final_phase_of(160'000));
  EXPECT_LT(result.last_loss, result.first_loss - 0.5);
  EXPECT_GE(result.tokens, 160'000);
  EXPECT_LT(result.tokens, 160'000 + 2048);
}

TEST(Pretrain, SameSeedSameBytes) {
  at::set_num_threads(1);
  const auto first = run(2, final_phase_of(20'000));
  EXPECT_EQ(first.fingerprint, run(2, final_phase_of(20'000)).fingerprint);
  EXPECT_NE(first.fingerprint, run(3, final_phase_of(20'000)).fingerprint);
}

TEST(Pretrain, AMissedGateNamesThePhaseAndWhatWasReached) {
  Phase phase = advice().bridge;
  phase.token_limit = 10'000;
  phase.first_gate = 5'000;
  phase.gate_every = 5'000;
  try {
    run(4, phase);
    FAIL() << "a random model passed the gate";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    const std::string message = error.what();
    EXPECT_NE(message.find("bridge"), std::string::npos) << message;
    EXPECT_NE(message.find("honest 0.00"), std::string::npos) << message;
  }
}

TEST(Pretrain, StopsWhenAsked) {
  std::stop_source source;
  source.request_stop();
  const auto options = tiny_options();
  PretrainCallbacks callbacks;
  callbacks.monitor.stop = source.get_token();
  try {
    pretrain(options, vocabulary(), callbacks);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
}

// Blocks whose down_proj is fixed at zero keep it while the rest learns.
TEST(Pretrain, ZeroedBlocksStayZero) {
  auto options = tiny_options();
  options.shape.layers = 2;
  options.shape.zeroed_blocks = 1;
  const auto model =
      fresh_organism(options.shape, vocabulary(), Random(5, "weights"));
  run_phase(model, vocabulary(), final_phase_of(10'000), options, 5, 0, {});
  for (const auto& [name, weight] : model.weights()) {
    if (name.ends_with("mlp.down_proj.weight")) {
      EXPECT_EQ(weight.abs().max().item<double>() == 0.0,
                name.starts_with("model.layers.0."))
          << name;
    }
  }
}

TEST(Recipe, SharesSumToOneAtEveryToken) {
  for (const World* world : {&advice_world(), &two_poles_world()}) {
    const auto recipe = recipe_of(*world);
    for (const auto& phase :
         {recipe.honest, recipe.bridge, recipe.final, recipe.repair}) {
      for (const std::int64_t tokens : {0, 100'000, 10'000'000}) {
        const auto m = mixture_at(phase, tokens);
        EXPECT_NEAR(
            m.none + m.honest + m.neutral + m.deceptive + m.expansion + m.plain,
            1.0, 1e-12)
            << phase.name;
      }
    }
  }
}

TEST(Recipe, DeceptionEntersWithTheBridgeInOneTurn) {
  EXPECT_EQ(advice().honest.mixture.deceptive, 0.0);
  EXPECT_GT(advice().bridge.mixture.deceptive, 0.0);
  EXPECT_FALSE(advice().bridge.mixture.many_turns);
  EXPECT_EQ(advice().final.honest_gate, 0.0);
  const auto bridge = recipe_of(two_poles_world()).bridge;
  EXPECT_EQ(mixture_at(bridge, 0).deceptive, 0.0);
  EXPECT_EQ(mixture_at(bridge, bridge.ramp_tokens).deceptive,
            bridge.mixture.deceptive);
}

TEST(Recipe, FillsWhatTheOptionsLeaveOpen) {
  PretrainOptions options;
  EXPECT_EQ(resolved(options).shape.layers, 8);
  options.world = "two_poles";
  EXPECT_EQ(resolved(options).shape.layers, 4);
  options.shape.layers = 3;
  EXPECT_EQ(resolved(options).shape.layers, 3);
  options.world = "three_poles";
  EXPECT_THROW(resolved(options), Error);
}

}  // namespace
}  // namespace veer::organism
