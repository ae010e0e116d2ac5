// SPDX-License-Identifier: MIT
#include "veer/vectors/bootstrap_t.h"

#include <cmath>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/pair_effects.h"

namespace veer {
namespace {

ErrorParts without_pairs(const at::Tensor& product_N,
                         const at::Tensor& length_N) {
  const auto n = product_N.size(0);
  return {product_N,
          length_N,
          at::zeros({n, n}, at::kDouble),
          at::zeros({n, n}, at::kDouble),
          at::arange(n, at::kLong),
          at::ones({n}, at::kDouble)};
}

at::Tensor centred(std::int64_t n, std::uint64_t seed) {
  const auto x = normal_matrix(1, n, seed)[0];
  return x - x.mean();
}

TEST(BootstrapT, WithoutPairsItIsStudentsT) {
  // Mean of t*'s point over samples; 999 draws each.
  for (const std::int64_t n : {10, 30}) {
    double low = 0.0;
    double high = 0.0;
    const int rounds = 200;
    for (int r = 0; r < rounds; ++r) {
      const BootstrapT error(
          0.0, 1.0,
          without_pairs(centred(n, 10 + r), at::zeros({n}, at::kDouble)));
      low += error.points(0.0, 0.025).low / rounds;
      high += error.points(0.0, 0.025).high / rounds;
    }
    const double student = t_point(0.025, static_cast<double>(n) - 1.0);
    EXPECT_NEAR(high / student, 1.0, 0.04) << n;
    EXPECT_NEAR(low / student, -1.0, 0.04) << n;
  }
}

TEST(BootstrapT, WhereThePairsDoEverythingItIsAsNarrowAsTheyAre) {
  // Pure noise of 2,000 dimensions: the jackknife counts the pairs twice, so
  // that t has a variance of one half. That the items do nothing is known to a
  // few percent only. With the influences as they are it would be three
  // quarters (1.22).
  double spread = 0.0;
  const int rounds = 40;
  for (int r = 0; r < rounds; ++r) {
    const auto x = normal_matrix(40, 2000, 2 * r + 1);
    const auto y = normal_matrix(40, 2000, 2 * r + 2);
    const auto pairs = pair_effects(x, y, same_items(40), 0.0, 1.0, 1.0, 256);
    const auto products = x.mm(y.t()) + y.mm(x.t());
    auto l_N = products.sum(1) - 2.0 * (x * y).sum(1);
    l_N = (l_N - l_N.mean()) / (40.0 * 39.0);
    const BootstrapT error(
        0.0, 1.0,
        {l_N, at::zeros({40}, at::kDouble), pairs.product_MM,
         pairs.length_MM * 0.0, pairs.items_M, pairs.scale_M});
    const auto points = error.points(0.0, 0.025);
    spread += (points.high - points.low) / 2.0 / rounds;
  }
  const double ratio = spread / (-normal_quantile(0.025) * std::sqrt(0.5));
  EXPECT_GT(ratio, 0.98);
  EXPECT_LT(ratio, 1.12);
}

TEST(BootstrapT, ALongerLengthIsASmallerCosine) {
  const auto parts =
      without_pairs(centred(20, 1) * 0.02, centred(20, 2) * 0.02);
  const BootstrapT error(0.5, 1.25, parts);
  EXPECT_NEAR(error.t(0.4), 0.0, 1e-12);
  EXPECT_GT(error.t(0.3), 0.0);
  const auto interval = error.interval(0.95).value();
  EXPECT_LT(interval.low, 0.4);
  EXPECT_GT(interval.high, 0.4);
  // Twice as far points, a wider interval.
  const auto wider = error.interval(0.95, 2.0).value();
  EXPECT_LT(wider.low, interval.low);
  EXPECT_GT(wider.high, interval.high);
}

TEST(BootstrapT, DrawsOfTheSameItemsAreDrawnTogether) {
  const auto parts = without_pairs(centred(20, 1), centred(20, 2));
  const BootstrapT one(0.5, 1.0, parts);
  const BootstrapT other(0.5, 1.0, parts);
  EXPECT_EQ(one.reach(0.95), other.reach(0.95));
  // A twentieth of the draws lies beyond its own points.
  int beyond = 0;
  for (const double reach : one.reach(0.95)) {
    beyond += reach > 1.0 ? 1 : 0;
  }
  EXPECT_NEAR(beyond, 50, 2);
}

}  // namespace
}  // namespace veer
