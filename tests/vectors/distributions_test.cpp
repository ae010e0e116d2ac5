// SPDX-License-Identifier: MIT
#include "veer/vectors/distributions.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// From published tables of Student's t.
TEST(StudentT, PointsAreThoseOfTheTables) {
  EXPECT_NEAR(t_point(0.025, 1), 12.7062047, 1e-6);
  EXPECT_NEAR(t_point(0.025, 10), 2.2281389, 1e-6);
  EXPECT_NEAR(t_point(0.05, 30), 1.6972609, 1e-6);
  EXPECT_NEAR(t_point(0.025, 1e6), 1.9599664, 1e-4);
  EXPECT_NEAR(t_point(0.975, 10), -2.2281389, 1e-6);
}

TEST(StudentT, TailIsTheInverseOfThePoint) {
  EXPECT_DOUBLE_EQ(t_upper_tail(0.0, 5), 0.5);
  for (const double tail : {1e-8, 0.001, 0.2, 0.7, 0.999}) {
    EXPECT_NEAR(t_upper_tail(t_point(tail, 7), 7), tail, 1e-12);
  }
  // One degree of freedom is the Cauchy distribution.
  EXPECT_NEAR(t_upper_tail(1.0, 1), 0.25, 1e-14);
}

TEST(Normal, QuantileAndDistributionAreThoseOfTheTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963985, 1e-8);
  EXPECT_NEAR(normal_cdf(1.0), 0.841344746, 1e-8);
}

TEST(Holm, StepsDownAndSkipsMissingValues) {
  const std::vector<std::optional<double>> p = {0.01, 0.04, std::nullopt, 0.03};
  const auto adjusted = holm_adjusted(p);
  EXPECT_NEAR(adjusted[0].value(), 0.03, 1e-15);
  EXPECT_NEAR(adjusted[1].value(), 0.06, 1e-15);  // not below that of 0.03
  EXPECT_FALSE(adjusted[2].has_value());
  EXPECT_NEAR(adjusted[3].value(), 0.06, 1e-15);
}

TEST(Quantile, IsLinearBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(quantile({3.0, 1.0, 2.0}, 0.5), 2.0);
  EXPECT_DOUBLE_EQ(quantile({0.0, 10.0}, 0.25), 2.5);
  EXPECT_THROW(quantile({}, 0.5), Error);
}

TEST(CriticalQuantile, AFurtherDrawLiesBeyondItAsOftenAsSaid) {
  // 19 draws leave 20 gaps: the 95 % point is the largest of them.
  std::vector<double> draws;
  for (int i = 19; i >= 1; --i) {
    draws.push_back(i);
  }
  EXPECT_DOUBLE_EQ(critical_quantile(draws, 0.95), 19.0);
  EXPECT_DOUBLE_EQ(critical_quantile(draws, 0.05), 1.0);
  EXPECT_DOUBLE_EQ(critical_quantile(draws, 0.525), 10.5);
  EXPECT_DOUBLE_EQ(critical_quantile(draws, 0.999), 19.0);  // no farther
  EXPECT_THROW(critical_quantile({}, 0.5), Error);
}

}  // namespace
}  // namespace veer
