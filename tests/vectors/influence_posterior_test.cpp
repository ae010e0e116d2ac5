// SPDX-License-Identifier: MIT
#include "veer/vectors/influence_posterior.h"

#include <cmath>

#include <ATen/ops/allclose.h>
#include <ATen/ops/diag_embed.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/pair_effects.h"

namespace veer {
namespace {

constexpr std::int64_t kItems = 60;
constexpr std::int64_t kDraws = 99;

// Rows of noise; the first dimension is `first` times as loud as the others.
at::Tensor uneven_noise(std::int64_t rows, std::int64_t width, double first,
                        std::uint64_t seed) {
  auto noise = normal_matrix(rows, width, seed);
  noise.select(1, 0).mul_(first);
  return noise;
}

// Residuals of the pairs of such rows, and what the same noise puts on the
// influences: as much energy as the residuals have, on average over means.
struct PairNoise {
  at::Tensor centred_MD;
  at::Tensor residuals_MM;
  at::Tensor influences_M;

  double energy() const { return residuals_MM.square().sum().item<double>(); }
};

PairNoise pair_noise(std::int64_t width, double first, std::uint64_t seed) {
  const auto rows = uneven_noise(kItems, width, first, seed);
  const auto mean = uneven_noise(1, width, first, seed + 1000)[0];
  PairNoise out;
  out.centred_MD = rows - rows.mean(0, /*keepdim=*/true);
  out.residuals_MM =
      pair_effects(rows, rows, same_items(kItems), 0.0, 1.0, 1.0, kItems)
          .product_MM;
  auto squares_D = out.centred_MD.square().sum(0);
  squares_D[0].mul_(first * first);
  out.influences_M = out.centred_MD.mv(mean) *
                     std::sqrt(out.energy() / squares_D.sum().item<double>());
  return out;
}

double kept_energy(const InfluencePosterior& p, const at::Tensor& l_M) {
  double sum = 0.0;
  const auto own_M = p.basis_MM.t().mv(l_M);
  for (const auto entry : p.entries) {
    sum += ((p.keep_GM[entry] * own_M).square() + p.spread_GM[entry].square())
               .sum()
               .item<double>();
  }
  return sum / static_cast<double>(p.entries.size());
}

TEST(InfluencePosterior, WithoutPairNoiseKeepsEverything) {
  const auto l = normal_matrix(1, 8, 1)[0];
  const auto got = influence_posterior(l, at::zeros({8, 8}, at::kDouble), 5);
  EXPECT_EQ(got.entries.size(), 5U);
  EXPECT_NEAR(kept_energy(got, l), l.square().sum().item<double>(), 1e-12);
}

TEST(InfluencePosterior, ItsBasisIsThatOfTheResidualsTheCommonDirectionLast) {
  const auto noise = pair_noise(200, 1.0, 2);
  const auto got =
      influence_posterior(noise.influences_M, noise.residuals_MM, kDraws);
  const auto& q = got.basis_MM;
  EXPECT_TRUE(
      at::allclose(q.t().mm(q), at::eye(kItems, at::kDouble), 0.0, 1e-10));
  EXPECT_TRUE(at::allclose(q.t().mm(noise.residuals_MM).mm(q),
                           at::diag_embed(got.eigenvalues_M), 0.0, 1e-10));
  EXPECT_NEAR(q.select(1, kItems - 1).sum().abs().item<double>(),
              std::sqrt(kItems), 1e-9);
  EXPECT_EQ(got.keep_GM.select(1, kItems - 1).abs().max().item<double>(), 0.0);
  EXPECT_EQ(got.spread_GM.select(1, kItems - 1).abs().max().item<double>(),
            0.0);
}

// How much of the influences is found to be the items' own, where `share` of
// the pair noise is: of a mean that prefers no dimension.
double found_share(std::int64_t width, double first, double share) {
  double found = 0.0;
  const int rounds = 20;
  for (int r = 0; r < rounds; ++r) {
    const auto noise = pair_noise(width, first, 10 + r);
    auto own = noise.centred_MD.mv(normal_matrix(1, width, 500 + r)[0]);
    own = own / own.norm() * std::sqrt(share * noise.energy());
    const auto l = noise.influences_M + own;
    found +=
        kept_energy(influence_posterior(l, noise.residuals_MM, kDraws), l) /
        noise.energy() / rounds;
  }
  return found;
}

TEST(InfluencePosterior, FindsTheEnergyOfTheItemsOwnEffects) {
  // Without it the influences themselves have share + 1.
  EXPECT_LT(found_share(300, 1.0, 0.0), 0.25);
  EXPECT_NEAR(found_share(300, 1.0, 1.0), 1.0, 0.2);
  EXPECT_NEAR(found_share(300, 1.0, 5.0), 5.0, 0.5);
}

TEST(InfluencePosterior, FindsItBesideOneLoudDimension) {
  EXPECT_LT(found_share(300, 20.0, 0.0), 0.3);
  EXPECT_NEAR(found_share(300, 20.0, 1.0), 1.0, 0.4);
}

}  // namespace
}  // namespace veer
