// SPDX-License-Identifier: MIT
#include "veer/metrics/steerability.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(Steerability, CountsWhatMovesAgainstTheGoal) {
  const std::vector<double> changes = {2.0, -1.0, 4.0, 0.0, 3.0};
  const auto found = steerability(changes, 1);
  EXPECT_DOUBLE_EQ(found.anti.value, 0.2);  // 0 goes no way
  EXPECT_EQ(found.anti.n, 5);
  EXPECT_LT(found.anti.low, 0.2);
  EXPECT_GT(found.anti.high, 0.2);
  EXPECT_DOUBLE_EQ(found.mean.value, 1.6);
  EXPECT_NEAR(found.sd, std::sqrt(17.2 / 4.0), 1e-12);
  EXPECT_DOUBLE_EQ(found.quartiles[0], 0.0);
  EXPECT_DOUBLE_EQ(found.quartiles[1], 2.0);
  EXPECT_DOUBLE_EQ(found.quartiles[2], 3.0);
}

TEST(Steerability, TurnsWithTheSign) {
  std::vector<double> changes = {2.0, -1.0, 4.0, 0.0, 3.0};
  for (double& change : changes) {
    change = -change;
  }
  const auto found = steerability(changes, 1);
  EXPECT_DOUBLE_EQ(found.anti.value, 0.6);
  EXPECT_DOUBLE_EQ(found.mean.value, -1.6);
  EXPECT_DOUBLE_EQ(found.quartiles[1], -2.0);
}

// No label moves the wrong way from a floor; log-odds do.
TEST(Steerability, MeanAndShareMayDisagree) {
  const std::vector<double> changes = {-0.1, -0.1, -0.1, 9.0};
  const auto found = steerability(changes, 1);
  EXPECT_GT(found.mean.value, 0.0);
  EXPECT_DOUBLE_EQ(found.anti.value, 0.75);
}

TEST(Steerability, LeavesOutWhatIsMissing) {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const auto found = steerability(std::vector{missing, -2.0}, 1);
  EXPECT_EQ(found.anti.n, 1);
  EXPECT_DOUBLE_EQ(found.anti.value, 1.0);
  EXPECT_TRUE(std::isnan(found.sd));
  const auto none = steerability(std::vector{missing}, 1);
  EXPECT_FALSE(none.anti.defined());
  EXPECT_FALSE(none.mean.defined());
  EXPECT_TRUE(std::isnan(none.quartiles[1]));
}

}  // namespace
}  // namespace veer
