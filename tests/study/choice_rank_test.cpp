// SPDX-License-Identifier: MIT
#include "veer/study/choice_rank.h"

#include <limits>

#include <gtest/gtest.h>

namespace veer {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

TEST(ChoiceRank, GainComesFirst) {
  EXPECT_TRUE(ranks_before({0.9, 5.0, 1.0}, {0.8, 0.1, 0.1}));
  EXPECT_FALSE(ranks_before({0.8, 0.1, 0.1}, {0.9, 5.0, 1.0}));
}

TEST(ChoiceRank, OfEqualGainsTheLeastDivergenceThenTheLeastDisplacement) {
  EXPECT_TRUE(ranks_before({1.0, 0.5, 9.0}, {1.0, 3.2, 1.0}));
  EXPECT_FALSE(ranks_before({1.0, 3.2, 1.0}, {1.0, 0.5, 9.0}));
  EXPECT_TRUE(ranks_before({1.0, 0.5, 1.0}, {1.0, 0.5, 2.0}));
  // Rounding is no gain.
  EXPECT_FALSE(ranks_before({1.0 + 1e-15, 0.5, 2.0}, {1.0, 0.5, 1.0}));
}

TEST(ChoiceRank, TheEarlierOneStaysWhereNothingTellsThemApart) {
  EXPECT_FALSE(ranks_before({1.0, 0.5, 1.0}, {1.0, 0.5, 1.0}));
  EXPECT_FALSE(ranks_before({1.0, kUnknown, kUnknown}, {1.0, 0.5, 1.0}));
  EXPECT_FALSE(ranks_before({1.0, 0.1, 0.1}, {1.0, kUnknown, kUnknown}));
}

}  // namespace
}  // namespace veer
