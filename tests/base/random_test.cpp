// SPDX-License-Identifier: MIT
#include "veer/base/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(Random, TheSameSeedGivesTheSameNumbersOnEveryMachine) {
  Random random(7);
  const std::array<std::uint64_t, 2> first = {random.next(), random.next()};
  Random again(7);
  EXPECT_EQ(again.next(), first[0]);
  EXPECT_EQ(again.next(), first[1]);
  EXPECT_NE(Random(8).next(), first[0]);
  EXPECT_NE(Random(7, "split").next(), Random(7, "dropout").next());
}

TEST(Random, StateContinuesAStream) {
  Random random(1);
  random.next();
  const auto state = random.state();
  const auto expected = random.next();
  Random other(99);
  other.set_state(state);
  EXPECT_EQ(other.next(), expected);
}

TEST(Random, BelowIsUniformAndInRange) {
  Random random(3);
  std::array<int, 5> counts{};
  for (int i = 0; i < 50000; ++i) {
    ++counts[random.below(5)];
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 10000, 5 * 89);  // five binomial standard deviations
  }
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random random(4);
  double sum = 0.0;
  double squares = 0.0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 5.0 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0, 5.0 * std::sqrt(2.0 / kDraws));
}

TEST(Random, WeightedNeverPicksWeightZero) {
  Random random(5);
  const std::array<double, 3> weights = {0.0, 1.0, 3.0};
  std::array<int, 3> counts{};
  for (int i = 0; i < 40000; ++i) {
    ++counts[random.weighted(weights)];
  }
  EXPECT_EQ(counts[0], 0);
  EXPECT_NEAR(counts[2], 30000, 5 * 87);
}

TEST(Random, ShuffleKeepsEveryItem) {
  Random random(6);
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  auto shuffled = items;
  random.shuffle(shuffled);
  EXPECT_NE(shuffled, items);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, items);
}

}  // namespace
}  // namespace veer
