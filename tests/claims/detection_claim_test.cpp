// SPDX-License-Identifier: MIT
#include "veer/claims/detection_claim.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "planted_sweep.h"

namespace veer {
namespace {

Json ranged(double value, double half) {
  return {{"value", value},
          {"low", value - half},
          {"high", value + half},
          {"n", 96}};
}

Json detects(const std::string& vector, double at_0, double at_1) {
  return {{"vector", vector},
          {"by_layer",
           {{{"layer", 0}, {"base", ranged(at_0, 0.02)}},
            {{"layer", 1}, {"base", ranged(at_1, 0.02)}}}}};
}

Json induces(const std::string& vector, const std::string& layers,
             double effect) {
  Json entry = planted_effect(vector, "induction", effect);
  entry["layers"] = layers;
  return entry;
}

HypothesisResult claim(const Json& detection, const Json& groups) {
  const Json sweep = {{"groups", groups}};
  return detection_claim({{"detection", detection}}, chosen_effects(sweep), "c",
                         "f");
}

TEST(DetectionClaim, IsTheInteractionOfVectorAndTask) {
  // C detects by .8 and induces .1, F detects nothing and induces .9.
  const auto got = claim({detects("c", 0.5, 0.9), detects("f", 0.7, 0.5)},
                         {induces("c", "1", 0.1), induces("f", "1", 0.9)});
  EXPECT_NEAR(got.effect.value.value(), 0.8 - 0.1 - (0.0 - 0.9), 1e-12);
  // The errors add up: 2 x .04 of detection, 2 x .05 of control.
  EXPECT_NEAR(got.effect.low.value(), 1.6 - 0.18, 1e-12);
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_LT(got.p.value(), 0.001);
  // The weaker difference barely leaves 0, and its p is that of the rule: the
  // sum of both would have one far smaller.
  const auto weak = claim({detects("c", 0.5, 0.545), detects("f", 0.7, 0.5)},
                          {induces("c", "1", 0.1), induces("f", "1", 0.9)});
  EXPECT_EQ(weak.decision, Decision::kSupported);
  EXPECT_GT(weak.p.value(), 0.01);
  EXPECT_LT(weak.p.value(), 0.05);
}

TEST(DetectionClaim, TheOtherWayRoundContradicts) {
  EXPECT_EQ(claim({detects("c", 0.5, 0.5), detects("f", 0.9, 0.9)},
                  {induces("c", "1", 0.9), induces("f", "0", 0.1)})
                .decision,
            Decision::kContradicted);
}

// The sum is far above 0, and one of its two halves is nothing.
TEST(DetectionClaim, OneTaskAloneDecidesNothing) {
  EXPECT_EQ(claim({detects("c", 0.5, 0.5), detects("f", 0.5, 0.5)},
                  {induces("c", "1", 0.1), induces("f", "1", 0.9)})
                .decision,
            Decision::kUndecided);
}

TEST(DetectionClaim, AnEffectThatDoesNotWorkDecidesNothing) {
  auto broken = induces("f", "1", 0.9);
  broken["beats_random"] = false;
  const auto got = claim({detects("c", 0.5, 0.9), detects("f", 0.7, 0.5)},
                         {induces("c", "1", 0.1), broken});
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_NE(got.reason.find("what f induces does not count"),
            std::string::npos);
}

TEST(DetectionClaim, EqualVectorsDecideNothing) {
  EXPECT_EQ(claim({detects("c", 0.7, 0.7), detects("f", 0.7, 0.7)},
                  {induces("c", "1", 0.5), induces("f", "all", 0.5)})
                .decision,
            Decision::kUndecided);
}

TEST(DetectionClaim, NeedsBothTasksOfBothVectors) {
  EXPECT_EQ(claim({detects("c", 0.7, 0.7), detects("f", 0.7, 0.7)},
                  {induces("c", "1", 0.5)})
                .effect.reason,
            "not measured");
}

}  // namespace
}  // namespace veer
