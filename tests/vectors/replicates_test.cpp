// SPDX-License-Identifier: MIT
#include "veer/vectors/replicates.h"

#include <cmath>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(Replicates, IntervalIsStudentsOverDraws) {
  // Mean 2, sd 1, t(.975, 2) = 4.3027, half width 4.3027 / sqrt(3).
  const Replicate draws[] = {{1.0, 0.3}, {2.0, 0.4}, {3.0, 0.0}};
  const auto got = over_replicates(draws);
  EXPECT_EQ(got.n, 3);
  EXPECT_DOUBLE_EQ(got.mean.value(), 2.0);
  EXPECT_DOUBLE_EQ(got.between_spread.value(), 1.0);
  EXPECT_NEAR(got.within_error.value(), std::sqrt(0.25 / 3.0), 1e-12);
  EXPECT_NEAR(got.low.value(), 2.0 - 4.30265 / std::sqrt(3.0), 1e-4);
  EXPECT_NEAR(got.high.value(), 2.0 + 4.30265 / std::sqrt(3.0), 1e-4);
}

TEST(Replicates, TwoDrawsHaveASpreadAndNoInterval) {
  const Replicate draws[] = {{0.0, 0.1}, {1.0, 0.1}};
  const auto got = over_replicates(draws);
  EXPECT_NEAR(got.between_spread.value(), std::sqrt(0.5), 1e-12);
  EXPECT_FALSE(got.low.has_value());
  EXPECT_FALSE(over_replicates({draws, 1}).between_spread.has_value());
  EXPECT_FALSE(over_replicates({}).mean.has_value());
}

}  // namespace
}  // namespace veer
