// SPDX-License-Identifier: MIT
#include "veer/vectors/null_bands.h"

#include <cmath>

#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/vectors/distributions.h"

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
  const auto null =
      covariance_null(rows, rows, unit(3, 0), unit(3, 1), 0.99, draws);
  ASSERT_TRUE(null.has_value());
  EXPECT_NEAR(null->participation_ratio, 1.0, 1e-12);
  EXPECT_NEAR(null->pair.high, 1.0, 1e-12);
  EXPECT_NEAR(null->with_a.low, -1.0, 1e-12);
  EXPECT_NEAR(null->with_b.high, 0.0, 1e-12);  // no spread along b
  EXPECT_DOUBLE_EQ(null->p.value(), 1.0);      // |cos(z, z')| is always 1
}

// Two axes with variance 9, 62 with 1.
at::Tensor two_strong_axes(std::int64_t rows, std::uint64_t seed) {
  auto out = normal_matrix(rows, 64, seed);
  out.narrow(1, 0, 2).mul_(3.0);
  return out;
}

// 97.5 % point of the cosines of row pairs, by drawing them.
double drawn_point(const at::Tensor& a_ND, const at::Tensor& b_ND) {
  const auto norms = a_ND.norm(2, 1) * b_ND.norm(2, 1);
  return quantile(to_vector((a_ND * b_ND).sum(1) / norms), 0.975);
}

TEST(CovarianceNull, GivesTheBandsOfDirectlyDrawnDirections) {
  const auto first = two_strong_axes(400, 3);
  const auto second = two_strong_axes(400, 6);
  const auto draws = make_null_draws(4000, 400, 2);
  const auto weak = unit(64, 63);
  const auto null =
      covariance_null(first, second, unit(64, 0), weak, {}, draws);
  ASSERT_TRUE(null.has_value());
  EXPECT_NEAR(null->participation_ratio, 80.0 * 80.0 / 224.0, 2.0);
  const auto z = two_strong_axes(20000, 4);
  const auto z2 = two_strong_axes(20000, 5);
  EXPECT_NEAR(null->pair.high, drawn_point(z, z2), 0.02);
  const auto strong_ND = unit(64, 0).expand({20000, 64});
  EXPECT_NEAR(null->with_a.high, drawn_point(z, strong_ND), 0.03);
  EXPECT_NEAR(null->with_b.high, drawn_point(z, weak.expand({20000, 64})),
              0.02);
}

TEST(CovarianceNull, NeedsSpread) {
  const auto draws = make_null_draws(10, 8, 1);
  const auto flat = matrix(3, 2, {0, 0, 0, 0, 0, 0});
  EXPECT_FALSE(covariance_null(flat, flat, unit(2, 0), unit(2, 1), {}, draws)
                   .has_value());
  const auto many = normal_matrix(9, 2, 1);
  EXPECT_THROW(covariance_null(many, many, unit(2, 0), unit(2, 1), {}, draws),
               Error);
  const auto one = normal_matrix(1, 2, 1);
  EXPECT_THROW(covariance_null(one, one, unit(2, 0), unit(2, 1), {}, draws),
               Error);
}

}  // namespace
}  // namespace veer
