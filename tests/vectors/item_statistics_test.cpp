// SPDX-License-Identifier: MIT
#include "veer/vectors/item_statistics.h"

#include <cmath>

#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

TEST(UnbiasedNorm, IsTheMeanOfCrossProducts) {
  const auto x = matrix(2, 2, {3, 4, 6, 8});
  EXPECT_DOUBLE_EQ(unbiased_squared_norm(x), 50.0);  // (3,4).(6,8)
  EXPECT_THROW(unbiased_squared_norm(matrix(1, 2, {3, 4})), Error);
}

TEST(ItemGram, AgreesWithTheRows) {
  const auto x = noisy_rows(unit(6, 1) * 1.5, 9, 1.0, 11);
  const ItemGram gram(x);
  const auto mean = x.mean(0);
  EXPECT_NEAR(gram.squared_norm_of_mean(), mean.dot(mean).item<double>(),
              1e-12);
  EXPECT_NEAR(gram.unbiased_squared_norm(), unbiased_squared_norm(x), 1e-12);
  EXPECT_NEAR(gram.reliability(),
              unbiased_squared_norm(x) / mean.dot(mean).item<double>(), 1e-12);
  // Flipping signs of the rows themselves gives the same A.
  const auto signs = matrix(1, 9, {1, -1, 1, 1, -1, -1, 1, 1, -1});
  const auto flipped = x * signs.t();
  EXPECT_NEAR(gram.flipped(signs).draws.at(0),
              unbiased_squared_norm(flipped) * 9 * 8, 1e-9);
  EXPECT_NEAR(gram.flipped(signs).observed, gram.cross_sum(), 0.0);
}

TEST(ItemGram, ReliabilityIsOneWithoutNoiseAndNoneWithoutAgreement) {
  const auto same = (unit(4, 2) * 3.0).expand({8, 4}).contiguous();
  EXPECT_NEAR(ItemGram(same).split_half(20, 1).value.value(), 1.0, 1e-12);
  EXPECT_NEAR(ItemGram(same).reliability(), 1.0, 1e-12);
  EXPECT_NEAR(ItemGram(same).agreement().value(), 1.0, 1e-12);
  EXPECT_FALSE(ItemGram(same).participation_ratio().has_value());
  // Rows that sum to zero: any two halves point opposite ways.
  const auto opposed = matrix(4, 1, {1, -1, 1, -1});
  EXPECT_FALSE(
      ItemGram(opposed.narrow(0, 0, 3)).split_half(10, 1).established());
}

TEST(ItemGram, SplitHalvesAgreeWithTheClosedForm) {
  // Expected reliability |mu|^2 / (|mu|^2 + tr(S) / n) = 4 / (4 + 50/50) = .8.
  const auto x = noisy_rows(unit(50, 0) * 2.0, 50, 1.0, 12);
  const ItemGram gram(x);
  EXPECT_NEAR(gram.reliability(), 0.8, 0.1);
  EXPECT_NEAR(gram.split_half(200, 3).value.value(), gram.reliability(), 0.03);
}

TEST(ItemGram, ParticipationRatioCountsDimensions) {
  // Centred rows of equal spread on two axes.
  const auto x = matrix(4, 3, {1, 0, 5, -1, 0, 5, 0, 1, 5, 0, -1, 5});
  EXPECT_NEAR(ItemGram(x).participation_ratio().value(), 2.0, 1e-12);
}

TEST(ExistenceTest, FindsADirectionAndNotNoise) {
  const auto signs = sign_matrix(499, 30, 7);
  std::vector<FlippedA> layers;
  layers.push_back(
      ItemGram(noisy_rows(unit(20, 0) * 3.0, 30, 1.0, 21)).flipped(signs));
  layers.push_back(
      ItemGram(noisy_rows(unit(20, 0) * 0.0, 30, 1.0, 22)).flipped(signs));
  const auto test = existence_test(layers);
  EXPECT_DOUBLE_EQ(test.p[0], 1.0 / 500.0);
  EXPECT_DOUBLE_EQ(test.adjusted_p[0], 1.0 / 500.0);
  EXPECT_GT(test.p[1], 0.05);
  EXPECT_GE(test.adjusted_p[1], test.p[1]);
}

TEST(ExistenceTest, OfZeroRowsIsOne) {
  const auto signs = sign_matrix(99, 5, 7);
  const std::vector<FlippedA> layers = {
      ItemGram(matrix(5, 2, std::vector<double>(10, 0.0))).flipped(signs)};
  EXPECT_DOUBLE_EQ(existence_test(layers).p[0], 1.0);
}

TEST(SimultaneousBand, IsWiderThanOneLayersAndSkipsMissing) {
  std::vector<CrossItemCosine> layers;
  for (std::uint64_t l = 0; l < 8; ++l) {
    layers.push_back(cross_item_cosine(
        noisy_rows(unit(10, 0) * 2.0, 40, 1.0, l),
        noisy_rows(unit(10, 1) * 2.0, 40, 1.0, l + 50), same_items(40)));
  }
  const double one = simultaneous_widening(std::span(layers).first(1)).value();
  const double all = simultaneous_widening(layers).value();
  EXPECT_NEAR(one, 1.0, 0.02);
  EXPECT_GT(all, 1.2);  // eight independent layers: about 1.4
  EXPECT_LT(all, 1.6);
  layers.assign(2, {});
  EXPECT_FALSE(simultaneous_widening(layers).has_value());
}

}  // namespace
}  // namespace veer
