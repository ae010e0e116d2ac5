// SPDX-License-Identifier: MIT
#include "veer/metrics/sign_flips.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// `up` questions +1, `down` questions -1, the rest 0.
std::vector<double> planted(int up, int down, int n = 160) {
  std::vector<double> d(static_cast<std::size_t>(n), 0.0);
  for (int q = 0; q < up + down; ++q) {
    d[static_cast<std::size_t>(q)] = q < up ? 1.0 : -1.0;
  }
  return d;
}

// Five questions of 160 that all go one way: 2 / 2^5. A percentile bootstrap
// gives [-.062, -.006] and calls it told from 0.
TEST(SignFlips, FiveOneSidedQuestionsAreNotEnough) {
  const std::vector<std::vector<double>> one = {planted(0, 5)};
  EXPECT_NEAR(sign_flip_p(one, 1)[0], 0.0625, 0.01);
  EXPECT_GE(sign_flip_p(one, 1)[0], 0.0625);
  const std::vector<std::vector<double>> six = {planted(0, 6)};
  EXPECT_LT(sign_flip_p(six, 1)[0], 0.05);
}

TEST(SignFlips, SeveralHoldTogether) {
  const std::vector<std::vector<double>> two = {planted(6, 0), planted(6, 6)};
  const auto p = sign_flip_p(two, 1);
  EXPECT_GT(p[0], 2.0 / 64.0);
  EXPECT_GT(p[1], 0.5);
}

TEST(SignFlips, NothingMovedIsNoEvidence) {
  auto d = planted(0, 0);
  d[3] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::vector<double>> none = {d};
  EXPECT_DOUBLE_EQ(sign_flip_p(none, 1)[0], 1.0);
  EXPECT_TRUE(sign_flip_p({}, 1).empty());
}

// Twenty questions of two topics are two flips: 2 / 2^2 at the least.
TEST(SignFlips, QuestionsOfOneUnitFlipTogether) {
  const std::vector<std::vector<double>> one = {planted(20, 0, 20)};
  std::vector<std::int64_t> units(20, 0);
  std::fill(units.begin() + 10, units.end(), 1);
  EXPECT_LT(sign_flip_p(one, 1)[0], 0.001);
  EXPECT_NEAR(sign_flip_p(one, 1, 9999, units)[0], 0.5, 0.02);
}

TEST(SignFlips, LengthsMustFit) {
  const std::vector<std::vector<double>> odd = {planted(1, 0, 3),
                                                planted(1, 0, 4)};
  EXPECT_THROW(sign_flip_p(odd, 1), Error);
}

}  // namespace
}  // namespace veer
