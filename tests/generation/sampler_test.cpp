// SPDX-License-Identifier: MIT
#include "veer/generation/sampler.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace veer {
namespace {

// Probabilities .5 .25 .125 .125 at temperature 1.
const std::array<float, 4> kLogits = {0.0F, std::log(0.5F), std::log(0.25F),
                                      std::log(0.25F)};

std::array<double, 4> shares(const Sampling& sampling, int draws = 20000) {
  Random random(1);
  std::array<double, 4> result{};
  for (int i = 0; i < draws; ++i) {
    result[draw(kLogits, sampling, random)] += 1.0;
  }
  for (auto& share : result) {
    share /= draws;
  }
  return result;
}

TEST(Sampler, DrawsWithTheModelsProbabilities) {
  const auto p = shares({.temperature = 1.0});
  EXPECT_NEAR(p[0], 0.5, 0.015);
  EXPECT_NEAR(p[1], 0.25, 0.015);
  EXPECT_NEAR(p[2], 0.125, 0.015);
}

TEST(Sampler, TemperatureSharpens) {
  // Squared and normalised: .25 .0625 .015625 .015625 of .34375.
  const auto p = shares({.temperature = 0.5});
  EXPECT_NEAR(p[0], 0.25 / 0.34375, 0.015);
  EXPECT_NEAR(p[1], 0.0625 / 0.34375, 0.015);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  const auto p = shares({.temperature = 1.0, .top_p = 0.7});
  EXPECT_NEAR(p[0], 2.0 / 3.0, 0.015);
  EXPECT_EQ(p[2] + p[3], 0.0);
  EXPECT_EQ(shares({.temperature = 1.0, .top_p = 0.5})[0], 1.0);
  EXPECT_EQ(shares({.temperature = 1.0, .top_p = 0.0})[0], 1.0);
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  EXPECT_EQ(shares({.temperature = 1.0, .top_k = 1})[0], 1.0);
  const auto p = shares({.temperature = 1.0, .top_k = 3});
  EXPECT_EQ(p[3], 0.0);
  EXPECT_GT(p[2], 0.0);
}

TEST(Sampler, GreedyTakesTheFirstOfEqualsAndNoRandomNumber) {
  Random random(1);
  const auto before = random.state();
  const std::array<float, 3> tied = {1.0F, 2.0F, 2.0F};
  EXPECT_EQ(draw(tied, {}, random), 1);
  EXPECT_EQ(random.state(), before);
}

}  // namespace
}  // namespace veer
