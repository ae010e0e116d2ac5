// SPDX-License-Identifier: MIT
#include "veer/metrics/breakdown.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// 20 questions of which the first `coherent` are coherent.
ScaleRung rung(double scale, int coherent, double effect) {
  ScaleRung result;
  result.scale = scale;
  for (int q = 0; q < 20; ++q) {
    result.coherent.push_back(q < coherent ? 1.0 : 0.0);
    result.effect.push_back(effect);
  }
  return result;
}

TEST(Breakdown, InterpolatesInLogScale) {
  const std::vector<ScaleRung> ladder = {rung(1.0, 20, 0.1), rung(2.0, 20, 0.6),
                                         rung(8.0, 10, 0.9), rung(16.0, 0, 0)};
  const auto b = breakdown(ladder, 1);
  // From 100 % at 2 to 50 % at 8: 75 % lies half way in log scale.
  EXPECT_NEAR(b.s75.value, 4.0, 1e-9);
  EXPECT_LT(b.s75.low, 4.0);
  EXPECT_GT(b.s75.high, 4.0);
  EXPECT_NEAR(b.onset.value, 2.0 * std::pow(4.0, 0.2), 1e-9);
  EXPECT_NEAR(b.collapse.value, 8.0 * std::sqrt(2.0), 1e-9);
  EXPECT_DOUBLE_EQ(b.largest_effect, 0.6);
  EXPECT_DOUBLE_EQ(b.scale_of_largest, 2.0);
  EXPECT_DOUBLE_EQ(b.half_effect_scale, 2.0);
  EXPECT_NEAR(b.window, std::log(2.0), 1e-9);
  EXPECT_FALSE(b.censored);
}

TEST(Breakdown, SaysWhenTheTextNeverBreaksOrAlwaysIs) {
  const std::vector<ScaleRung> good = {rung(1.0, 20, 0.1), rung(2.0, 20, 0.2)};
  const auto never = breakdown(good, 1);
  EXPECT_TRUE(never.censored);
  EXPECT_FALSE(never.s75.defined());
  EXPECT_DOUBLE_EQ(never.s75.low, 2.0);
  EXPECT_TRUE(std::isinf(never.s75.high));
  const std::vector<ScaleRung> bad = {rung(1.0, 3, 0.1), rung(2.0, 0, 0.2)};
  EXPECT_TRUE(breakdown(bad, 1).never_coherent);
  EXPECT_TRUE(std::isnan(breakdown(bad, 1).window));
}

TEST(Breakdown, RefusesABadLadder) {
  EXPECT_THROW(breakdown({}, 1), Error);
  const std::vector<ScaleRung> falling = {rung(2.0, 3, 0), rung(1.0, 3, 0)};
  EXPECT_THROW(breakdown(falling, 1), Error);
}

}  // namespace
}  // namespace veer
