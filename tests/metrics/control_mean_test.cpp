// SPDX-License-Identifier: MIT
#include "veer/metrics/control_mean.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/metrics/intervals.h"

namespace veer {
namespace {

Estimate estimate(double value, double low, double high) {
  return {value, low, high, 10, ""};
}

// scipy.stats.t.interval(.95, 3, mean, sem) of {0, 0, .331, 0}: half .26336.
TEST(ControlMean, HasTheVectorAsItsUnit) {
  const std::vector<double> effects = {0.0, 0.0, 0.331, 0.0};
  const auto mean = mean_over_vectors(effects, estimate(0.08, 0.08, 0.08));
  EXPECT_NEAR(mean.value, 0.08275, 1e-12);
  EXPECT_NEAR(mean.high - mean.value, 0.263346, 1e-5);
  EXPECT_NEAR(mean.value - mean.low, 0.263346, 1e-5);
  EXPECT_EQ(mean.n, 4);
}

TEST(ControlMean, AddsTheDoubtAboutQuestionsOnEitherSide) {
  const std::vector<double> alike(8, 0.1);
  const auto mean = mean_over_vectors(alike, estimate(0.12, 0.09, 0.22));
  EXPECT_NEAR(mean.low, 0.1 - 0.03, 1e-12);
  EXPECT_NEAR(mean.high, 0.1 + 0.10, 1e-12);
  const std::vector<double> one = {0.3};
  EXPECT_NEAR(mean_over_vectors(one, estimate(0.3, 0.2, 0.5)).low, 0.2, 1e-12);
}

TEST(ControlMean, IsUndefinedWithoutVectors) {
  EXPECT_FALSE(mean_over_vectors({}, estimate(0, 0, 0)).defined());
  const std::vector<double> bad = {std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THROW(mean_over_vectors(bad, estimate(0, 0, 0)), Error);
}

// Vectors and questions both vary: 32 vectors, each on a window of 16 of 160
// questions. The interval holds the mean over all vectors and questions about
// as often as it says; one over questions alone would not.
TEST(ControlMean, HoldsTheMeanOfAllVectorsAndQuestions) {
  constexpr int kRuns = 400;
  int holds = 0;
  int by_questions_alone = 0;
  Random random(1, "control mean");
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> question(160);
    for (double& value : question) {
      value = 0.3 * random.normal();
    }
    std::vector<double> effects;
    std::vector<double> sum(160);
    std::vector<double> count(160);
    for (int v = 0; v < 32; ++v) {
      const double own = 0.1 + 0.15 * random.normal();
      double mean = 0.0;
      for (int i = 0; i < 16; ++i) {
        const auto q = static_cast<std::size_t>((v % 10) * 16 + i);
        const double x = own + question[q] + 0.3 * random.normal();
        mean += x / 16.0;
        sum[q] += x;
        count[q] += 1.0;
      }
      effects.push_back(mean);
    }
    for (std::size_t q = 0; q < sum.size(); ++q) {
      sum[q] /= count[q];
    }
    const auto over_questions = bootstrap_mean(sum, 1, 500);
    const auto mean = mean_over_vectors(effects, over_questions);
    holds += mean.low <= 0.1 && 0.1 <= mean.high;
    by_questions_alone +=
        over_questions.low <= 0.1 && 0.1 <= over_questions.high;
  }
  EXPECT_GE(holds, kRuns * 94 / 100);
  EXPECT_LE(by_questions_alone, kRuns * 94 / 100);
}

// The doubt about questions counts once, that about vectors beside it.
const Estimate kHalf = estimate(0.5, 0.4, 0.6);

TEST(BeyondVectors, SquaresAndAddsTheVectorsToThePairedDifference) {
  const std::vector<double> effects = {0.0, 0.0, 0.331, 0.0};  // half .263346
  const auto d =
      beyond_vectors(kHalf, effects, estimate(0.42, 0.32, 0.46), /*most=*/1.0);
  EXPECT_NEAR(d.value, 0.5 - 0.08275, 1e-12);
  EXPECT_NEAR(d.low, d.value - std::hypot(0.10, 0.263346), 1e-5);
  EXPECT_NEAR(d.high, d.value + std::hypot(0.04, 0.263346), 1e-5);
  EXPECT_EQ(d.n, 10);
  EXPECT_FALSE(beyond_vectors(kHalf, effects, {}, 1.0).defined());
  EXPECT_FALSE(
      beyond_vectors(kHalf, {}, estimate(0.4, 0.3, 0.5), 1.0).defined());
}

// A vector that does 5 points is not one of 7 because random ones do -2.
TEST(BeyondVectors, NothingIsAddedForRandomVectorsThatMoveAgainstTheGoal) {
  const std::vector<double> against = {-0.03, -0.01, -0.02};
  const auto d = beyond_vectors(estimate(0.05, -0.02, 0.12), against,
                                estimate(0.07, 0.01, 0.13), /*most=*/1.0);
  EXPECT_DOUBLE_EQ(d.value, 0.05);
  EXPECT_DOUBLE_EQ(d.low, -0.02);
  EXPECT_DOUBLE_EQ(d.high, 0.12);
}

TEST(BeyondVectors, StaysWithinWhatAShareCanChange) {
  const std::vector<double> none(32, 0.0);
  const auto most = estimate(0.99, 0.6, 1.0);
  const auto d = beyond_vectors(most, none, estimate(0.99, 0.6, 1.0), 1.0);
  EXPECT_NEAR(d.high, 1.0, 1e-12);
  const std::vector<double> wild = {-0.9, 0.9};
  const auto wide = beyond_vectors(most, wild, estimate(0.99, 0.6, 1.0), 1.0);
  EXPECT_NEAR(wide.high, 1.0, 1e-12);
  EXPECT_NEAR(wide.low, -1.0, 1e-12);
}

}  // namespace
}  // namespace veer
