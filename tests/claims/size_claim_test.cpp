// SPDX-License-Identifier: MIT
#include "veer/claims/size_claim.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(SizeClaim, SlopeIsPerFactorOfTen) {
  const SizedEffect models[] = {
      {1e6, 0.10}, {1e7, 0.31}, {1e8, 0.49}, {1e9, 0.70}};
  const auto got = size_claim(models);
  EXPECT_NEAR(got.effect.value.value(), 0.198, 1e-9);
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_GT(got.effect.low.value(), 0.15);
}

TEST(SizeClaim, ThreeSizesWithScatterDecideNothing) {
  const SizedEffect models[] = {{1e6, 0.1}, {1e7, 0.5}, {1e8, 0.6}};
  EXPECT_EQ(size_claim(models).decision, Decision::kUndecided);
}

TEST(SizeClaim, FallingEffectContradicts) {
  const SizedEffect models[] = {
      {1e6, 0.9}, {1e7, 0.61}, {1e8, 0.29}, {1e9, 0.0}};
  EXPECT_EQ(size_claim(models).decision, Decision::kContradicted);
}

TEST(SizeClaim, TrainingSizesAreAClaimOfTheirOwn) {
  const SizedEffect runs[] = {{20, 0.1},  {20, 0.2},  {60, 0.5},
                              {60, 0.45}, {200, 0.8}, {200, 0.9}};
  const auto got = training_size_claim(runs);
  EXPECT_EQ(got.id(), "H13");
  EXPECT_EQ(got.definition.sharpen, "finetune.questions");
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_EQ(got.effect.n, 6);
  EXPECT_EQ(got.reason, "6 fine-tunes of one model, 3 sizes of training set");
}

TEST(SizeClaim, ACeilingDecidesNothing) {
  const SizedEffect runs[] = {{12, 1.0}, {36, 1.0}, {108, 1.0}, {324, 1.0}};
  const auto got = training_size_claim(runs);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_FALSE(got.effect.low);
  EXPECT_NE(got.reason.find("all at +100 points"), std::string::npos);
}

TEST(SizeClaim, NeedsThreeSizes) {
  const SizedEffect models[] = {{1e6, 0.1}, {1e6, 0.5}, {1e8, 0.6}};
  const auto got = size_claim(models);
  EXPECT_FALSE(got.effect.established());
  EXPECT_EQ(got.effect.reason, "not measured");
}

}  // namespace
}  // namespace veer
