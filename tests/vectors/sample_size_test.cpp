// SPDX-License-Identifier: MIT
#include "veer/vectors/sample_size.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Rows of a direction of length `signal` along axis 0 in unit noise, one layer.
ComparedVector planted(std::int64_t n, double signal, std::uint64_t seed) {
  constexpr std::int64_t kWidth = 64;
  auto positive_ND = normal_matrix(n, kWidth, seed).to(at::kFloat);
  positive_ND.select(1, 0) += signal;
  ComparedVector out;
  out.vector.method = "mean_diff";
  out.vector.directions_LD = positive_ND.mean(0, /*keepdim=*/true);
  out.rows.positive = {positive_ND};
  out.rows.negative = {at::zeros({n, kWidth}, at::kFloat)};
  for (std::int64_t i = 0; i < n; ++i) {
    out.rows.ids.push_back("q" + std::to_string(i));
  }
  return out;
}

TEST(SampleSizeCurve, ReliabilityGrowsAsTheoryHasIt) {
  // E|mean|^2 = s^2 + D / n, so rho(n) is about s^2 / (s^2 + D / n).
  const auto a = planted(320, 1.0, 1);
  const auto b = planted(320, 1.0, 2);
  const auto curve = sample_size_curve(a, b, 40, 7);
  EXPECT_EQ(curve.sizes, (std::vector<std::int64_t>{20, 40, 80, 160, 320}));
  ASSERT_EQ(curve.by_layer.size(), 1U);
  for (const auto& point : curve.by_layer[0]) {
    const double expected =
        1.0 / (1.0 + 64.0 / static_cast<double>(point.questions));
    EXPECT_NEAR(*point.reliability_a.value, expected, 0.08) << point.questions;
    EXPECT_EQ(point.reliability_a.n, point.questions);
    EXPECT_LE(*point.reliability_a.low, *point.reliability_a.value);
  }
  // Two vectors of one direction: noise alone keeps them apart.
  const auto& points = curve.by_layer[0];
  EXPECT_GT(*points.back().cosine.value, *points.front().cosine.value + 0.3);
  // All questions are one draw.
  EXPECT_DOUBLE_EQ(*points.back().cosine.low, *points.back().cosine.high);
}

TEST(SampleSizeCurve, WhatIsTooSmallOrNoMeanHasNone) {
  const auto few = planted(19, 1.0, 1);
  EXPECT_TRUE(sample_size_curve(few, few, 5, 7).sizes.empty());
  auto probe = planted(40, 1.0, 1);
  const auto mean = planted(40, 1.0, 2);
  probe.vector.method = "logistic";
  EXPECT_TRUE(sample_size_curve(probe, mean, 5, 7).by_layer.empty());
  EXPECT_EQ(sample_size_json(sample_size_curve(few, few, 5, 7))["sizes"].size(),
            0U);
}

}  // namespace
}  // namespace veer
