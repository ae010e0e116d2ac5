// SPDX-License-Identifier: MIT
#include "veer/metrics/halving.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Arms arms_between(std::size_t first, std::size_t last) {
  Arms arms(last - first);
  std::iota(arms.begin(), arms.end(), first);
  return arms;
}

// Measures an arm by its true value alone.
MeasureArms exact(const std::vector<double>& truth) {
  return [&truth](std::span<const std::size_t> arms, std::int64_t) {
    std::vector<double> values;
    for (const auto arm : arms) {
      values.push_back(truth[arm]);
    }
    return values;
  };
}

TEST(Halving, AsksAQuarterThenHalfThenAll) {
  EXPECT_THAT(halving_questions(12), ElementsAre(3, 6, 12));
  EXPECT_THAT(halving_questions(5), ElementsAre(2, 3, 5));
  EXPECT_THAT(halving_questions(2), ElementsAre(1, 2));
  EXPECT_THAT(halving_questions(1), ElementsAre(1));
  EXPECT_THAT(halving_questions(0), IsEmpty());
}

TEST(Halving, FindsThePlantedArmWithAFractionOfTheAnswers) {
  std::vector<double> truth(64);
  std::vector<double> screen(64);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    truth[i] = 0.01 * static_cast<double>(i % 16);
    screen[i] = truth[i];
  }
  truth[37] = 1.0;
  screen[37] = 0.13;  // the screen thinks well of it, not best
  const std::vector<Arms> groups = {arms_between(0, 64)};
  const auto rounds = halve(groups, screen, 12, exact(truth));
  ASSERT_EQ(rounds.size(), 3u);
  EXPECT_EQ(rounds[0].arms.size(), 16u);
  EXPECT_EQ(rounds[1].arms.size(), 8u);
  EXPECT_EQ(rounds[2].arms.size(), 4u);
  EXPECT_EQ(rounds[2].arms.front(), 37u);
  std::int64_t answers = 0;
  for (const auto& round : rounds) {
    answers += round.questions * std::ssize(round.arms);
  }
  EXPECT_EQ(answers, 16 * 3 + 8 * 6 + 4 * 12);
}

TEST(Halving, GroupsKeepTheirOwnBest) {
  // Every arm of the first group is better than any of the second.
  const std::vector<double> truth = {9, 8, 7, 6, 5, 4, 1, 2, 3};
  const std::vector<Arms> groups = {arms_between(0, 6), arms_between(6, 9)};
  const auto rounds = halve(groups, truth, 8, exact(truth));
  EXPECT_THAT(rounds.front().arms, ElementsAre(0, 1, 2, 3, 8, 7, 6));
  EXPECT_THAT(rounds.back().arms, ElementsAre(0, 8));
}

TEST(Halving, WhatCannotBeChosenFallsOutAndTheScreenBreaksTies) {
  const std::vector<double> screen = {0.4, 0.3, 0.2, 0.1};
  const std::vector<double> truth = {kNaN, 0.5, 0.5, 0.5};
  const std::vector<Arms> groups = {arms_between(0, 4)};
  const auto rounds = halve(groups, screen, 4, exact(truth));
  ASSERT_EQ(rounds.size(), 3u);
  EXPECT_THAT(rounds[1].arms, ElementsAre(1, 2));
  EXPECT_THAT(rounds[2].arms, ElementsAre(1));
}

TEST(Halving, AGroupNeverDiesOut) {
  const std::vector<double> nothing = {kNaN};
  const std::vector<Arms> groups = {arms_between(0, 1)};
  const auto rounds = halve(groups, nothing, 12, exact(nothing));
  for (const auto& round : rounds) {
    EXPECT_THAT(round.arms, ElementsAre(0));
  }
}

}  // namespace
}  // namespace veer
