// SPDX-License-Identifier: MIT
#include "veer/vectors/null_bands.h"

#include <cmath>

#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

TEST(IsotropicNull, InThreeDimensionsTheCosineIsUniform) {
  const auto band = isotropic_null(3, 0.5);
  EXPECT_NEAR(band.high, 0.95, 1e-9);
  EXPECT_NEAR(band.low, -0.95, 1e-9);
  EXPECT_NEAR(band.p.value(), 0.5, 1e-9);
}

TEST(IsotropicNull, IsNearlyNormalInManyDimensions) {
  EXPECT_NEAR(isotropic_null(3072, {}).high, 1.96 / std::sqrt(3072.0), 1e-4);
  EXPECT_FALSE(isotropic_null(3072, {}).p.has_value());
  EXPECT_THROW(isotropic_null(1, {}), Error);
}

TEST(CovarianceNull, OfOneDimensionalSpreadIsPlusMinusOne) {
  auto rows = matrix(4, 3, {2, 0, 0, -2, 0, 0, 1, 0, 0, -1, 0, 0});
  const auto draws = make_null_draws(200, 8, 1);
  const auto null = covariance_null(rows, unit(3, 0), unit(3, 1), 0.99, draws);
  ASSERT_TRUE(null.has_value());
  EXPECT_NEAR(null->participation_ratio, 1.0, 1e-12);
  EXPECT_NEAR(null->pair.high, 1.0, 1e-12);
  EXPECT_NEAR(null->with_a.low, -1.0, 1e-12);
  EXPECT_NEAR(null->with_b.high, 0.0, 1e-12);  // no spread along b
  EXPECT_DOUBLE_EQ(null->p.value(), 1.0);      // |cos(z, z')| is always 1
}

TEST(CovarianceNull, HasTheSpreadThatTheParticipationRatioSays) {
  // Two axes with variance 9, 62 with 1: sd of cos(z, z') is 1 / sqrt(PR).
  auto rows = normal_matrix(2000, 64, 3);
  rows.narrow(1, 0, 2).mul_(3.0);
  rows = rows - rows.mean(0);
  const auto draws = make_null_draws(2000, 2000, 2);
  const auto null = covariance_null(rows, unit(64, 0), unit(64, 63), {}, draws);
  ASSERT_TRUE(null.has_value());
  const double sd = 1.0 / std::sqrt(null->participation_ratio);
  EXPECT_NEAR(null->participation_ratio, 80.0 * 80.0 / 224.0, 1.5);
  EXPECT_NEAR(null->pair.high, 1.96 * sd, 0.02);
  EXPECT_NEAR(null->with_a.high, 1.96 * 3.0 / std::sqrt(80.0), 0.06);
  EXPECT_NEAR(null->with_b.high, 1.96 * 1.0 / std::sqrt(80.0), 0.03);
}

TEST(CovarianceNull, NeedsSpread) {
  const auto draws = make_null_draws(10, 8, 1);
  const auto flat = matrix(3, 2, {0, 0, 0, 0, 0, 0});
  EXPECT_FALSE(
      covariance_null(flat, unit(2, 0), unit(2, 1), {}, draws).has_value());
  EXPECT_THROW(covariance_null(normal_matrix(9, 2, 1), unit(2, 0), unit(2, 1),
                               {}, draws),
               Error);
}

}  // namespace
}  // namespace veer
