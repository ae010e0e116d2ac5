// SPDX-License-Identifier: MIT
#include "veer/metrics/binomial.h"

#include <cmath>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(McNemar, IsTheExactBinomial) {
  EXPECT_DOUBLE_EQ(mcnemar(0, 0), 1.0);
  EXPECT_NEAR(mcnemar(10, 0), 2.0 / 1024.0, 1e-12);
  EXPECT_NEAR(mcnemar(1, 8), 2.0 * (9.0 + 1.0) / 512.0, 1e-12);
  EXPECT_DOUBLE_EQ(mcnemar(3, 3), 1.0);
}

TEST(BinomialTail, CountsFromTheTop) {
  EXPECT_NEAR(binomial_upper_tail(2, 2, 0.25), 0.0625, 1e-12);
  EXPECT_NEAR(binomial_upper_tail(1, 2, 0.25), 0.4375, 1e-12);
  EXPECT_DOUBLE_EQ(binomial_upper_tail(0, 5, 0.1), 1.0);
}

TEST(ClopperPearson, EndsWhereATailHasHalfOfTheRest) {
  // Closed forms at the edges: 1 - (0.025)^(1/n) and its mirror.
  const auto none = clopper_pearson(0, 10);
  EXPECT_DOUBLE_EQ(none.low, 0.0);
  EXPECT_NEAR(none.high, 1.0 - std::pow(0.025, 0.1), 1e-12);
  const auto all = clopper_pearson(10, 10);
  EXPECT_NEAR(all.low, std::pow(0.025, 0.1), 1e-12);
  EXPECT_DOUBLE_EQ(all.high, 1.0);
  const auto some = clopper_pearson(4, 16);
  EXPECT_DOUBLE_EQ(some.value, 0.25);
  EXPECT_NEAR(binomial_upper_tail(4, 16, some.low), 0.025, 1e-10);
  EXPECT_NEAR(1.0 - binomial_upper_tail(5, 16, some.high), 0.025, 1e-10);
  EXPECT_EQ(some.n, 16);
  EXPECT_FALSE(clopper_pearson(0, 0).defined());
}

TEST(UnitSignFlip, IsMcNemarOfSingleQuestionsAndExactOverUnits) {
  const std::vector<std::int64_t> changes = {1, 1, 1, 1, 1, 1, -1, 0, 0};
  EXPECT_EQ(unit_sign_flip_p(changes), mcnemar(6, 1));
  // Net changes 2, 1, -1, 3: 6 of 16 sign patterns reach |5|.
  const std::vector<std::int64_t> moved = {1, 1, 1, -1, 1, 1, 1, 0};
  const std::vector<std::int64_t> units = {0, 0, 1, 2, 3, 3, 3, 3};
  EXPECT_NEAR(unit_sign_flip_p(moved, units), 0.375, 1e-12);
  EXPECT_EQ(unit_sign_flip_p(std::vector<std::int64_t>{0, 0}), 1.0);
}

}  // namespace
}  // namespace veer
