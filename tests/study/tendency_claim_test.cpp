// SPDX-License-Identifier: MIT
#include "veer/study/tendency_claim.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kContrast = "contrastive@prompt_end";
constexpr const char* kOther = "confound_format@prompt_end";

// Steps whose deceptive share rises evenly.
Json steps(const std::vector<double>& along, const std::vector<double>& other) {
  Json points = Json::array();
  for (std::size_t i = 0; i < along.size(); ++i) {
    points.push_back({{"step", 5 * (i + 1)},
                      {"deceptive", 0.1 * static_cast<double>(i)},
                      {"along", {{kContrast, along[i]}, {kOther, other[i]}}}});
  }
  return {
      {"tendency", {{"contrast", kContrast}, {"n", 48}, {"points", points}}}};
}

const std::vector<double> kRising = {0.0,  0.11, 0.19, 0.3,
                                     0.42, 0.5,  0.59, 0.7};
const std::vector<double> kScatter = {0.3, -0.2, 0.1,  -0.3,
                                      0.2, 0.0,  -0.1, 0.1};

TEST(TendencyClaim, SupportedWhenItIsThisDirectionAlone) {
  const auto got = tendency_claim(steps(kRising, kScatter));
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_GT(*got.effect.low, 0.9);
  EXPECT_EQ(got.effect.n, 8);
  EXPECT_THAT(got.reason, HasSubstr("not independent"));
}

TEST(TendencyClaim, WhatAnyDirectionDoesIsNotSpecific) {
  const auto got = tendency_claim(steps(kRising, kRising));
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("not specific"));
}

TEST(TendencyClaim, WhatCarriesTheBehaviourIsNoRival) {
  auto comparison = steps(kRising, kRising);
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
  EXPECT_EQ(tendency_claim(steps(falling, kScatter)).decision,
            Decision::kContradicted);
}

TEST(TendencyClaim, FewStepsAreNoMeasurement) {
  const auto got = tendency_claim(steps({0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}));
  EXPECT_EQ(got.effect.reason, "not measured");
  EXPECT_EQ(tendency_claim(Json::object()).decision, Decision::kUndecided);
}

}  // namespace
}  // namespace veer
