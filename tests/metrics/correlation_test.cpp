// SPDX-License-Identifier: MIT
#include "veer/metrics/correlation.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

TEST(Pearson, IsRWithFishersInterval) {
  const std::vector<double> x = {1, 2, 3, 4, 5, 6, 7};
  const std::vector<double> y = {2, 1, 4, 3, 7, 5, 6};
  const auto got = pearson(x, y);
  EXPECT_NEAR(got.value, 23.0 / 28.0, 1e-12);  // both have variance 28 / 6
  const double centre = std::atanh(23.0 / 28.0);
  EXPECT_NEAR(got.low, std::tanh(centre - 1.959964 / 2.0), 1e-6);
  EXPECT_NEAR(got.high, std::tanh(centre + 1.959964 / 2.0), 1e-6);
  EXPECT_EQ(got.n, 7);
}

TEST(Pearson, UndefinedWithoutSpreadOrPoints) {
  const std::vector<double> flat = {1, 1, 1, 1};
  const std::vector<double> rising = {1, 2, 3, 4};
  EXPECT_FALSE(pearson(flat, rising).defined());
  EXPECT_FALSE(pearson({rising.data(), 3}, {rising.data(), 3}).defined());
  const auto exact = pearson(rising, rising);
  EXPECT_DOUBLE_EQ(exact.value, 1.0);
  EXPECT_TRUE(std::isfinite(exact.low));
  EXPECT_THROW(pearson(flat, {rising.data(), 3}), Error);
}

TEST(Pearson, IntervalCoversAtItsRate) {
  Random random(5);
  int covered = 0;
  constexpr int kTrials = 2000;
  constexpr double kRho = 0.6;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> x;
    std::vector<double> y;
    for (int i = 0; i < 12; ++i) {
      x.push_back(random.normal());
      y.push_back(kRho * x.back() +
                  std::sqrt(1.0 - kRho * kRho) * random.normal());
    }
    const auto got = pearson(x, y);
    covered += got.low <= kRho && kRho <= got.high ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(kTrials), 0.95, 0.015);
}

}  // namespace
}  // namespace veer
