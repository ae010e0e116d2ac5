// SPDX-License-Identifier: MIT
#include "veer/claims/tendency_claim.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kContrast = "contrastive@prompt_end";
constexpr const char* kOther = "confound_format@prompt_end";

// Training runs whose deceptive share rises evenly; without `runs` steps of
// one.
Json points_of(const std::vector<double>& along,
               const std::vector<double>& other, bool runs = true) {
  Json points = Json::array();
  for (std::size_t i = 0; i < along.size(); ++i) {
    points.push_back({{"step", 5 * (i + 1)},
                      {"deceptive", 0.1 * static_cast<double>(i)},
                      {"along", {{kContrast, along[i]}, {kOther, other[i]}}}});
    if (runs) {
      points.back()["run"] = i;
    }
  }
  return {
      {"tendency", {{"contrast", kContrast}, {"n", 48}, {"points", points}}}};
}

const std::vector<double> kRising = {0.0,  0.11, 0.19, 0.3,
                                     0.42, 0.5,  0.59, 0.7};
const std::vector<double> kScatter = {0.3, -0.2, 0.1,  -0.3,
                                      0.2, 0.0,  -0.1, 0.1};

TEST(TendencyClaim, SupportedWhenItIsThisDirectionAlone) {
  const auto got = tendency_claim(points_of(kRising, kScatter));
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_GT(*got.effect.low, 0.9);
  EXPECT_EQ(got.effect.n, 8);
  EXPECT_THAT(got.reason, HasSubstr("8 training runs"));
}

TEST(TendencyClaim, WhatAnyDirectionDoesIsNotSpecific) {
  const auto got = tendency_claim(points_of(kRising, kRising));
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("not specific"));
}

TEST(TendencyClaim, WhatCarriesTheBehaviourIsNoRival) {
  auto comparison = points_of(kRising, kRising);
  comparison["confound_behaviour"] =
      Json::array({{{"confound", "confound_format"}, {"carries", true}}});
  EXPECT_EQ(tendency_claim(comparison).decision, Decision::kSupported);
  comparison["confound_behaviour"][0]["carries"] = false;
  EXPECT_EQ(tendency_claim(comparison).decision, Decision::kUndecided);
}

TEST(TendencyClaim, ContradictedWhenItRunsTheOtherWay) {
  auto falling = kRising;
  for (auto& value : falling) {
    value = -value;
  }
  EXPECT_EQ(tendency_claim(points_of(falling, kScatter)).decision,
            Decision::kContradicted);
}

// However close the fit: eight steps of one run are one point.
TEST(TendencyClaim, StepsOfOneRunDecideNothing) {
  const auto got = tendency_claim(points_of(kRising, kScatter, false));
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_GT(*got.effect.value, 0.9);
  EXPECT_FALSE(got.effect.low.has_value());
  EXPECT_EQ(got.effect.n, 1);
  EXPECT_THAT(got.reason, HasSubstr("1 training run of the 8 needed"));
}

TEST(TendencyClaim, FewStepsAreNoMeasurement) {
  EXPECT_FALSE(
      tendency_claim(points_of({0.1, 0.2, 0.3}, {0.1, 0.2, 0.3})).measured());
  EXPECT_EQ(tendency_claim(Json::object()).decision, Decision::kUndecided);
}

}  // namespace
}  // namespace veer
