// SPDX-License-Identifier: MIT
#include "veer/metrics/side_effects.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(SideEffects, TheTextIsTheUnit) {
  // A long text does not count more than a short one.
  const std::vector<AnswerShift> texts = {{{1.0, 1.0, 1.0, 1.0},
                                           {-1.0, -1.0, -1.0, -1.0},
                                           {true, true, true, true}},
                                          {{3.0}, {0.5}, {false}}};
  const auto found = side_effects(texts, 1);
  EXPECT_DOUBLE_EQ(found.mean_divergence.value, 2.0);
  EXPECT_EQ(found.mean_divergence.n, 2);
  EXPECT_DOUBLE_EQ(found.log_prob_change.value, -0.25);
  EXPECT_DOUBLE_EQ(found.top_kept.value, 0.5);
  EXPECT_DOUBLE_EQ(found.p95_divergence.value, 3.0);  // over tokens
  // Draws hold one text twice, or both.
  EXPECT_DOUBLE_EQ(found.mean_divergence.low, 1.0);
  EXPECT_DOUBLE_EQ(found.mean_divergence.high, 3.0);
  EXPECT_DOUBLE_EQ(found.p95_divergence.low, 1.0);
  EXPECT_DOUBLE_EQ(found.p95_divergence.high, 3.0);
}

TEST(SideEffects, OneTextHasNoInterval) {
  const std::vector<AnswerShift> texts = {{{1.0}, {-1.0}, {true}}};
  const auto found = side_effects(texts, 1);
  EXPECT_DOUBLE_EQ(found.p95_divergence.value, 1.0);
  EXPECT_TRUE(std::isnan(found.p95_divergence.low));
  EXPECT_TRUE(std::isnan(found.mean_divergence.low));
  EXPECT_THROW(side_effects({}, 1), Error);
}

TEST(SideEffects, WithoutNumbersOnlyTheKeptTokensAreKnown) {
  const std::vector<AnswerShift> texts = {
      {{1.0, NAN}, {-1.0, NAN}, {true, false}}, {{3.0}, {0.5}, {false}}};
  const auto found = side_effects(texts, 1);
  EXPECT_FALSE(found.mean_divergence.defined());
  EXPECT_FALSE(found.p95_divergence.defined());
  EXPECT_FALSE(found.log_prob_change.defined());
  EXPECT_DOUBLE_EQ(found.top_kept.value, 0.25);
  const SideEffects both[] = {found,
                              side_effects(std::span(texts).subspan(1), 1)};
  EXPECT_FALSE(mean_over_vectors(both).mean_divergence.defined());
  EXPECT_DOUBLE_EQ(mean_over_vectors(both).top_kept.value, 0.125);
}

TEST(SideEffects, OfRandomVectorsTheVectorIsTheUnit) {
  std::vector<SideEffects> vectors(3);
  const double values[] = {1.0, 2.0, 6.0};
  for (std::size_t i = 0; i < 3; ++i) {
    vectors[i].mean_divergence.value = values[i];
    vectors[i].log_prob_change.value = -values[i];
    vectors[i].p95_divergence.value = 2.0 * values[i];
    vectors[i].top_kept.value = 0.5;
  }
  const auto found = mean_over_vectors(vectors);
  EXPECT_DOUBLE_EQ(found.mean_divergence.value, 3.0);
  EXPECT_EQ(found.mean_divergence.n, 3);
  // t with 2 degrees: 4.302653; sd = sqrt(7).
  EXPECT_NEAR(found.mean_divergence.high - 3.0, 4.302653 * std::sqrt(7.0 / 3.0),
              1e-5);
  EXPECT_DOUBLE_EQ(found.log_prob_change.value, -3.0);
  EXPECT_TRUE(std::isnan(
      mean_over_vectors(std::span(vectors).first(1)).mean_divergence.low));
  EXPECT_THROW(mean_over_vectors({}), Error);
}

}  // namespace
}  // namespace veer
