// SPDX-License-Identifier: MIT
#include "veer/results/choice_rank.h"

#include <limits>

#include <gtest/gtest.h>

namespace veer {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

TEST(ChoiceRank, GainComesFirst) {
  EXPECT_TRUE(ranks_before({0.9, 5.0, 1.0}, {0.8, 0.1, 0.1}));
  EXPECT_FALSE(ranks_before({0.8, 0.1, 0.1}, {0.9, 5.0, 1.0}));
}

TEST(ChoiceRank, OfEqualGainsAboveZeroTheMildestIsTaken) {
  EXPECT_TRUE(ranks_before({1.0, 0.5, 9.0}, {1.0, 3.2, 1.0}));
  EXPECT_FALSE(ranks_before({1.0, 3.2, 1.0}, {1.0, 0.5, 9.0}));
  EXPECT_TRUE(ranks_before({1.0, 0.5, 1.0}, {1.0, 0.5, 2.0}));
  // Rounding is no gain.
  EXPECT_FALSE(ranks_before({1.0 + 1e-15, 0.5, 2.0}, {1.0, 0.5, 1.0}));
}

TEST(ChoiceRank, WithoutAGainTheStrongestDoseOfWholeTextIsTaken) {
  for (const double gain : {0.0, 1e-15, -0.1}) {
    // {gain, divergence, displacement, whole}
    EXPECT_TRUE(ranks_before({gain, 3.2, 1.0}, {gain, 0.0, 9.0}));
    EXPECT_FALSE(ranks_before({gain, 0.0, 9.0}, {gain, 3.2, 1.0}));
    EXPECT_TRUE(ranks_before({gain, 3.2, 2.0}, {gain, 3.2, 1.0}));
    EXPECT_TRUE(ranks_before({gain, 0.1, 0.1}, {gain, 3.2, 2.0, false}));
    EXPECT_FALSE(ranks_before({gain, 3.2, 2.0, false}, {gain, 0.1, 0.1}));
  }
  // Where steering does something, text that is a little broken costs nothing
  // but what the least share of unbroken text (SweepResults::gain) says.
  EXPECT_TRUE(ranks_before({0.5, 0.1, 0.1, false}, {0.5, 0.2, 0.1}));
}

TEST(ChoiceRank, TheEarlierOneStaysWhereNothingTellsThemApart) {
  EXPECT_FALSE(ranks_before({1.0, 0.5, 1.0}, {1.0, 0.5, 1.0}));
  EXPECT_FALSE(ranks_before({1.0, kUnknown, kUnknown}, {1.0, 0.5, 1.0}));
  EXPECT_FALSE(ranks_before({1.0, 0.1, 0.1}, {1.0, kUnknown, kUnknown}));
}

}  // namespace
}  // namespace veer
