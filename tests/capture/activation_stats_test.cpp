// SPDX-License-Identifier: MIT
#include "veer/capture/activation_stats.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

TEST(ActivationStats, OfThreeNumbers) {
  ActivationStats stats(1, /*covariance=*/true);
  auto rows = at::zeros({3, 1});
  rows[1].fill_(3.0);
  rows[2].fill_(6.0);
  stats.add(rows.narrow(0, 0, 1));
  EXPECT_EQ(stats.variance_D()[0].item<double>(), 0.0);
  stats.add(rows.narrow(0, 1, 2));
  EXPECT_EQ(stats.count(), 3);
  EXPECT_DOUBLE_EQ(stats.mean_D()[0].item<double>(), 3.0);
  EXPECT_DOUBLE_EQ(stats.variance_D()[0].item<double>(), 9.0);
  EXPECT_DOUBLE_EQ(stats.covariance_DD()[0][0].item<double>(), 9.0);
}

TEST(ActivationStats, MergedPartsEqualTheWhole) {
  Random random(3);
  const auto rows = random_tensor({50, 6}, random);
  ActivationStats whole(6, true);
  whole.add(rows);
  ActivationStats left(6, true);
  ActivationStats right(6, true);
  left.add(rows.narrow(0, 0, 13));
  right.add(rows.narrow(0, 13, 20));
  right.add(rows.narrow(0, 33, 17));
  left.merge(right);
  EXPECT_EQ(left.count(), 50);
  EXPECT_LT((left.mean_D() - whole.mean_D()).abs().max().item<double>(), 1e-12);
  EXPECT_LT(
      (left.covariance_DD() - whole.covariance_DD()).abs().max().item<double>(),
      1e-12);
}

TEST(ActivationStats, KeepsDigitsBesideAMassiveDimension) {
  // 1e5 rows near 1000 with deviations of +-0.5: fp32 sums of squares lose
  // them.
  ActivationStats stats(1);
  auto rows = at::full({1000, 1}, 1000.5, at::kFloat);
  rows.slice(0, 0, 1000, 2).fill_(999.5);
  for (int i = 0; i < 100; ++i) {
    stats.add(rows);
  }
  EXPECT_NEAR(stats.mean_D()[0].item<double>(), 1000.0, 1e-9);
  EXPECT_NEAR(stats.variance_D()[0].item<double>(), 0.25, 1e-5);
}

TEST(ActivationStats, RefusesWrongInput) {
  ActivationStats stats(2);
  EXPECT_THROW(stats.add(at::zeros({1, 3})), Error);
  EXPECT_THROW(stats.add(at::full({1, 2}, NAN)), Error);
  EXPECT_THROW(stats.merge(ActivationStats(3)), Error);
  EXPECT_THROW(stats.covariance_DD(), Error);
  stats.add(at::zeros({0, 2}));
  EXPECT_EQ(stats.count(), 0);
}

TEST(RunningNumber, HasMeanAndSpread) {
  RunningNumber number;
  for (const double x : {1.0, 3.0, 5.0}) {
    number.add(x);
  }
  EXPECT_DOUBLE_EQ(number.mean, 3.0);
  EXPECT_DOUBLE_EQ(number.sd(), 2.0);
}

}  // namespace
}  // namespace veer
