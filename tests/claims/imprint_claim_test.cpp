// SPDX-License-Identifier: MIT
#include "veer/claims/imprint_claim.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

std::vector<ImprintedRun> runs(double sft, double other,
                               double other_deceptive = 0.9) {
  return {{true, sft - 0.02, 0.9},
          {true, sft + 0.02, 0.9},
          {true, sft, 0.9},
          {false, other - 0.02, other_deceptive},
          {false, other + 0.02, other_deceptive},
          {false, other, other_deceptive}};
}

TEST(ImprintClaim, IsWelchsDifferenceOfTheTwoObjectives) {
  const auto got = imprint_claim(runs(0.5, 0.3));
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_NEAR(*got.effect.value, 0.2, 1e-12);
  // Variance of a mean is .0004 / 3; equal ones have 4 degrees of freedom.
  EXPECT_NEAR(*got.effect.low, 0.2 - 2.776445 * std::sqrt(0.0008 / 3.0), 1e-6);
  EXPECT_EQ(imprint_claim(runs(0.3, 0.5)).decision, Decision::kContradicted);
  EXPECT_EQ(imprint_claim(runs(0.31, 0.30)).decision, Decision::kUndecided);
}

TEST(ImprintClaim, UnmatchedBehaviourDecidesNothing) {
  const auto got = imprint_claim(runs(0.5, 0.3, 0.8));
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, testing::HasSubstr("not matched"));
}

TEST(ImprintClaim, NeedsTwoRunsOfEach) {
  const auto all = runs(0.5, 0.3);
  EXPECT_EQ(imprint_claim({all.data(), 4}).effect.reason, "not measured");
  EXPECT_TRUE(imprint_claim({all.data(), 5}).effect.established());
}

}  // namespace
}  // namespace veer
