// SPDX-License-Identifier: MIT
#include "veer/sweep/random_directions.h"

#include <cmath>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 32;

// Two sides 50 apart along the first dimension, noise of size 30 along the
// second, of size 1 elsewhere.
VectorRows far_apart() {
  Random random(3);
  VectorRows rows;
  for (auto* side : {&rows.positive, &rows.negative}) {
    auto side_ND = random_tensor({200, kWidth}, random);
    side_ND.select(1, 1).mul_(30.0);
    side->push_back(side_ND);
  }
  rows.positive[0].select(1, 0).add_(50.0);
  return rows;
}

double mean_square_along(std::int64_t dimension) {
  const auto rows = far_apart();
  const auto like_LD = at::ones({1, kWidth});
  double sum = 0.0;
  constexpr int kDraws = 200;
  for (int i = 0; i < kDraws; ++i) {
    const auto v_D =
        covariance_directions(like_LD, rows, "draw" + std::to_string(i), 1)[0];
    EXPECT_NEAR(v_D.norm().item<double>(), std::sqrt(kWidth), 1e-4);
    sum += std::pow(v_D[dimension].item<double>(), 2.0) / kWidth;
  }
  return sum / kDraws;
}

TEST(CovarianceDirections, FollowTheNoiseOfTheStates) {
  // The mean of 900 z^2 / (900 z^2 + 31) for a normal z is 0.79.
  EXPECT_NEAR(mean_square_along(1), 0.79, 0.06);
}

TEST(CovarianceDirections, KnowNothingOfTheDifferenceOfTheSides) {
  // 1 / 931 of the variance; around a common mean the 625 of the difference
  // would be two fifths of it.
  EXPECT_LT(mean_square_along(0), 0.05);
}

TEST(CovarianceDirections, HaveNoLengthWhereTheVectorHasNone) {
  const auto v_LD =
      covariance_directions(at::zeros({1, kWidth}), far_apart(), "a", 1);
  EXPECT_EQ(v_LD.abs().sum().item<double>(), 0.0);
}

}  // namespace
}  // namespace veer
