// SPDX-License-Identifier: MIT
#include "veer/vectors/seed_agreement.h"

#include <cmath>

#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

ComparedVector planted(const at::Tensor& mean_D, double noise,
                       std::uint64_t seed) {
  ComparedVector out;
  const auto rows_ND =
      noisy_rows(mean_D, 40, noise, static_cast<int>(seed)).to(at::kFloat);
  out.vector.directions_LD = rows_ND.mean(0).unsqueeze(0);
  out.rows.ids = item_ids(40);
  out.rows.positive = {rows_ND};
  out.rows.negative = {at::zeros_like(rows_ND)};
  return out;
}

TEST(SeedAgreement, IsTheCosineThatWasPlanted) {
  // Two seeds at 60 degrees from each other, the contrast between them.
  const double half = std::sqrt(3.0) / 2.0;
  const auto contrast = planted(unit(20, 0) * half + unit(20, 1) * 0.5, 0.1, 1);
  const ComparedVector seeds[] = {
      planted(unit(20, 0), 0.1, 2),
      planted(unit(20, 0) * 0.5 + unit(20, 1) * half, 0.1, 3)};
  const auto got = seed_agreement(contrast, seeds, 0.95);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].num_pairs, 1);
  EXPECT_NEAR(got[0].between.value(), 0.5, 0.03);
  const auto& with_contrast = got[0].with_contrast;
  EXPECT_EQ(with_contrast.n, 2);
  EXPECT_NEAR(with_contrast.mean.value(), half, 0.03);
  EXPECT_NEAR(with_contrast.between_spread.value(), 0.0, 0.03);
  EXPECT_GT(with_contrast.within_error.value(), 0.0);
}

TEST(SeedAgreement, SpreadOverSeedsIsNotTheErrorWithinOne) {
  // One seed along the contrast, one at right angles: 1 and 0.
  const auto contrast = planted(unit(20, 0), 0.1, 1);
  const ComparedVector seeds[] = {planted(unit(20, 0), 0.1, 2),
                                  planted(unit(20, 1), 0.1, 3)};
  const auto got = seed_agreement(contrast, seeds, 0.95);
  const auto& with_contrast = got[0].with_contrast;
  EXPECT_NEAR(with_contrast.between_spread.value(), std::sqrt(0.5), 0.03);
  EXPECT_LT(with_contrast.within_error.value(), 0.05);
}

TEST(SeedAgreement, OneSeedHasNoSpreadAndNoCeiling) {
  const ComparedVector seeds[] = {planted(unit(20, 0), 0.1, 2)};
  const auto got = seed_agreement(planted(unit(20, 0), 0.1, 1), seeds, 0.95);
  EXPECT_FALSE(got[0].between.has_value());
  EXPECT_FALSE(got[0].with_contrast.between_spread.has_value());
  EXPECT_TRUE(got[0].with_contrast.mean.has_value());
}

TEST(SeedAgreement, RefusesVectorsOfAnotherModel) {
  const ComparedVector seeds[] = {planted(unit(8, 0), 0.1, 2)};
  EXPECT_THROW(seed_agreement(planted(unit(20, 0), 0.1, 1), seeds, 0.95),
               Error);
}

}  // namespace
}  // namespace veer
