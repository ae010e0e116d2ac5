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
  options.warmup_steps = 5;
  options.gate_count = 4;
  return options;
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
  const auto result = run(1, final_phase(160'000));
  EXPECT_LT(result.last_loss, result.first_loss - 0.5);
  EXPECT_GE(result.tokens, 160'000);
  EXPECT_LT(result.tokens, 160'000 + 2048);
}

TEST(Pretrain, SameSeedSameBytes) {
  at::set_num_threads(1);
  const auto first = run(2, final_phase(20'000));
  EXPECT_EQ(first.fingerprint, run(2, final_phase(20'000)).fingerprint);
  EXPECT_NE(first.fingerprint, run(3, final_phase(20'000)).fingerprint);
}

TEST(Pretrain, AMissedGateNamesThePhaseAndWhatWasReached) {
  Phase phase = bridge_phase();
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

TEST(Recipe, SharesSumToOne) {
  for (const auto& phase :
       {honest_phase(), bridge_phase(), final_phase(1), repair_phase(1)}) {
    const auto& m = phase.mixture;
    EXPECT_NEAR(
        m.none + m.honest + m.neutral + m.deceptive + m.expansion + m.plain,
        1.0, 1e-12)
        << phase.name;
  }
}

TEST(Recipe, DeceptionEntersWithTheBridgeInOneTurn) {
  EXPECT_EQ(honest_phase().mixture.deceptive, 0.0);
  EXPECT_GT(bridge_phase().mixture.deceptive, 0.0);
  EXPECT_FALSE(bridge_phase().mixture.many_turns);
  EXPECT_EQ(final_phase(1).honest_gate, 0.0);
}

}  // namespace
}  // namespace veer::organism
