// SPDX-License-Identifier: MIT
#include "veer/claims/sample_size_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kC = "contrastive@p";
constexpr const char* kF = "finetuned@p";

Json group(const char* vector, const char* goal, double value, double half) {
  Json entry = planted_effect(vector, goal, 0.5, 0.1);
  entry["layers"] = "3";
  entry["fewer_questions"] = {
      {"questions", 20},
      {"of", 200},
      {"draws", 2},
      {"difference", planted_estimate(value, half, 100)}};
  return entry;
}

Json sweep(double first, double second, double half) {
  return {{"groups", Json::array({group(kC, "induction", first, half),
                                  group(kF, "induction", second, half)})}};
}

HypothesisResult claim(const Json& comparison, const Json& sweep) {
  return sample_size_claim(comparison, chosen_effects(sweep));
}

const Json kCurve = Json::parse(R"({"sample_size": {
    "a": "contrastive@p", "b": "finetuned@p", "sizes": [20, 200],
    "by_layer": [{"layer": 3,
      "reliability_a": [{"value": 0.8, "n": 20}, {"value": 0.98, "n": 200}],
      "reliability_b": [{"value": 0.7, "n": 20}, {"value": 0.9, "n": 200}]}]}})");

TEST(SampleSizeClaim, SupportedWhenOneVectorGains) {
  const auto got = claim(kCurve, sweep(0.3, 0.0, 0.1));
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*got.effect.value, 0.3);
  EXPECT_EQ(got.effect.n, 100);
  EXPECT_THAT(got.reason, HasSubstr("200 minus 20 questions, contrastive@p"));
  EXPECT_THAT(got.reason, HasSubstr("reliability 0.80 of 20 and 0.98 of 200"));
}

TEST(SampleSizeClaim, OneOfSeveralHasToHoldForAll) {
  // Its own interval leaves 0 out, that for both together, which the row shows,
  // does not.
  const auto got = claim(kCurve, sweep(0.105, 0.0, 0.1));
  EXPECT_LT(*got.effect.low, 0.0);
  EXPECT_EQ(got.decision, Decision::kUndecided);
}

TEST(SampleSizeClaim, ContradictedWhenNoneGainsTenPoints) {
  EXPECT_EQ(claim(kCurve, sweep(0.02, -0.01, 0.04)).decision,
            Decision::kContradicted);
}

TEST(SampleSizeClaim, WhereNothingActsNothingIsContradicted) {
  auto inert = sweep(0.0, 0.0, 0.02);
  for (auto& entry : inert["groups"]) {
    entry["effect"]["low"] = -0.02;
  }
  const auto got = claim(kCurve, inert);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("adding moves nothing"));
  EXPECT_TRUE(got.effect.established());
}

// 97 of 100 with twenty questions already: nothing can be gained.
TEST(SampleSizeClaim, AtACeilingNothingIsContradicted) {
  auto full = sweep(0.0, 0.0, 0.02);
  for (auto& entry : full["groups"]) {
    entry["effect"] = planted_estimate(0.97, 0.02);
  }
  const auto got = claim(kCurve, full);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("no room: 3 points"));
}

TEST(SampleSizeClaim, EveryVectorCountsAndScoresDoNot) {
  auto scores = sweep(0.3, 0.3, 0.1);
  for (auto& entry : scores["groups"]) {
    entry["measure"] = "score";
  }
  EXPECT_FALSE(claim(kCurve, scores).measured());
  auto twin = sweep(0.0, 0.3, 0.1);
  twin["groups"][1]["vector"] = "twin@p";
  EXPECT_EQ(claim(kCurve, twin).decision, Decision::kSupported);
  EXPECT_THAT(claim(kCurve, twin).reason, HasSubstr("twin@p"));
}

}  // namespace
}  // namespace veer
