// SPDX-License-Identifier: MIT
#include "veer/vectors/pair_effects.h"

#include <cmath>

#include <gtest/gtest.h>

#include "vectors/planted.h"

namespace veer {
namespace {

// Noise that fills dimension 0 more than the others, beside a clear mean.
at::Tensor uneven_rows(std::int64_t n, std::int64_t width, double rest,
                       std::uint64_t seed) {
  auto noise = normal_matrix(n, width, seed) * rest;
  noise.select(1, 0).div_(rest);
  return noise + unit(width, 1) * 3.0;
}

PairEffects effects(const at::Tensor& x, const at::Tensor& y,
                    const ItemUnion& items) {
  return pair_effects(x, y, items, 0.5, 9.0, 9.0, 256);
}

TEST(PairEffects, EffectiveRankCountsTheDimensionsOfTheNoise) {
  const auto items = same_items(60);
  const auto one = effects(uneven_rows(60, 100, 0.01, 1),
                           uneven_rows(60, 100, 0.01, 2), items);
  const auto flat = effects(uneven_rows(60, 100, 1.0, 1),
                            uneven_rows(60, 100, 1.0, 2), items);
  EXPECT_LT(one.effective_rank, 3.0);
  EXPECT_GT(flat.effective_rank, 15.0);
  EXPECT_LT(pair_bias_share(one.effective_rank), 0.8);
  EXPECT_GT(pair_bias_share(flat.effective_rank), 0.99);
}

TEST(PairEffects, EffectiveRankOfPartlySharedItemsIsAsLarge) {
  const auto x = uneven_rows(60, 100, 1.0, 1);
  const auto y = uneven_rows(60, 100, 1.0, 2);
  const auto shared = effects(x, y, same_items(60));
  const auto partly =
      effects(x, y, unite_items(item_ids(60, 0), item_ids(60, 30)));
  EXPECT_NEAR(partly.effective_rank / shared.effective_rank, 1.0, 0.5);
}

TEST(PairEffects, RowsWithoutNoiseHaveNone) {
  const auto x = (unit(3, 0) * 2.0).expand({6, 3}).contiguous();
  const auto got = pair_effects(x, x, same_items(6), 1.0, 4.0, 4.0, 256);
  EXPECT_NEAR((got.product_MM - got.length_MM).square().sum().item<double>(),
              0.0, 1e-24);
  EXPECT_GE(got.effective_rank, 0.0);
}

TEST(PairEffects, HalfOfTheSquaresIsTheVarianceOfPurePairNoise) {
  // Rows of pure noise, relative to lengths that are given: the mean product of
  // different items has variance D / (n (n - 1)) x 2 for x.x and, of two
  // independent sides, 1 for x.y.
  const std::int64_t n = 200;
  const std::int64_t width = 50;
  const auto x = normal_matrix(n, width, 1);
  const auto y = normal_matrix(n, width, 2);
  const auto half_squares = [](const at::Tensor& r_MM) {
    return 0.5 * r_MM.square().sum().item<double>();
  };
  const double expected = width / static_cast<double>(n * (n - 1));
  const auto shared = pair_effects(x, y, same_items(n), 0.0, 1.0, 1.0, 256);
  EXPECT_NEAR(half_squares(shared.product_MM) / expected, 1.0, 0.1);
  EXPECT_NEAR(half_squares(shared.length_MM) / expected, 1.0, 0.1);
  // The same of some of the items only, and of items that are not shared.
  const auto some = pair_effects(x, y, same_items(n), 0.0, 1.0, 1.0, 50);
  EXPECT_EQ(some.items_M.size(0), 50);
  EXPECT_NEAR(half_squares(some.product_MM) / expected, 1.0, 0.2);
  const auto apart = pair_effects(
      x, y, unite_items(item_ids(n, 0), item_ids(n, n)), 0.0, 1.0, 1.0, 256);
  EXPECT_EQ(apart.items_M.size(0), 2 * n);
  EXPECT_NEAR(half_squares(apart.product_MM) * n * n / width, 1.0, 0.1);
}

TEST(PairBiasShare, GoesFromNoneToAll) {
  EXPECT_EQ(pair_bias_share(0.0), 0.0);
  EXPECT_EQ(pair_bias_share(1.0), 0.0);
  EXPECT_NEAR(pair_bias_share(2.0), 0.75, 1e-15);
  EXPECT_LT(pair_bias_share(1e4), 1.0);
}

}  // namespace
}  // namespace veer
