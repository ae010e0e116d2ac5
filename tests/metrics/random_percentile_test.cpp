// SPDX-License-Identifier: MIT
#include "veer/metrics/random_percentile.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

std::vector<double> one_to(std::size_t n) {
  std::vector<double> values(n);
  std::iota(values.rbegin(), values.rend(), 1.0);
  return values;
}

TEST(RandomPercentile, IsTheSmallestThatOneMoreSeldomExceeds) {
  EXPECT_EQ(random_percentile(one_to(64)), 62.0);  // 3 of 65 lie above
  EXPECT_EQ(random_percentile(one_to(19)), 19.0);
  EXPECT_EQ(random_percentile(one_to(20)), 20.0);
  EXPECT_EQ(random_percentile(one_to(39)), 38.0);
  EXPECT_EQ(random_percentile(one_to(3), 0.5), 2.0);
}

TEST(RandomPercentile, IsNothingForTooFew) {
  EXPECT_FALSE(random_percentile(one_to(18)).has_value());
  EXPECT_FALSE(random_percentile({}).has_value());
}

TEST(RandomPercentile, IsExceededByOneInTwentyOfItsKindAtMost) {
  Random random(7, "exceeded");
  int exceeded = 0;
  constexpr int kTrials = 20000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values(64);
    for (double& value : values) {
      value = random.normal();
    }
    exceeded += random.normal() > random_percentile(values) ? 1 : 0;
  }
  // 3 of 65 = .0462; three standard errors are .0045.
  EXPECT_NEAR(static_cast<double>(exceeded) / kTrials, 3.0 / 65.0, 0.0045);
}

TEST(RandomPercentile, RefusesWhatIsNotFiniteAndOddLevels) {
  EXPECT_THROW(random_percentile(std::vector{1.0, std::nan("")}), Error);
  EXPECT_THROW(random_percentile(one_to(30), 1.0), Error);
}

}  // namespace
}  // namespace veer
