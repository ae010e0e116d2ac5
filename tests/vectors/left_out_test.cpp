// SPDX-License-Identifier: MIT
#include "veer/vectors/left_out.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 5;

VectorRows rows_of(std::int64_t items) {
  VectorRows rows;
  rows.name = "contrastive@prompt_end";
  rows.site = "resid_post";
  for (std::int64_t l = 0; l < 2; ++l) {
    rows.positive.push_back(at::randn({items, kWidth}) + 1.0);
    rows.negative.push_back(at::randn({items, kWidth}));
  }
  // Nothing was extracted at the last layer.
  rows.positive.push_back(at::zeros({items, kWidth}));
  rows.negative.push_back(at::zeros({items, kWidth}));
  for (std::int64_t i = 0; i < items; ++i) {
    rows.ids.push_back("q" + std::to_string(i));
  }
  return rows;
}

SteeringVector vector_of(const std::string& method) {
  SteeringVector vector;
  vector.method = method;
  vector.directions_LD = at::zeros({3, kWidth});
  return vector;
}

TEST(RowsWithout, KeepsTheOthersInOrder) {
  const auto rows = rows_of(6);
  const auto kept = rows_without(rows, {"q0", "q3", "unknown"});
  EXPECT_THAT(kept.ids, testing::ElementsAre("q1", "q2", "q4", "q5"));
  EXPECT_TRUE(kept.positive[1][2].equal(rows.positive[1][4]));
  EXPECT_TRUE(kept.negative[0][0].equal(rows.negative[0][1]));
  EXPECT_EQ(kept.site, rows.site);
}

TEST(RefittedDirections, AreThoseOfTheMethodOnTheRowsThatAreLeft) {
  const auto rows = rows_without(rows_of(14), {"q2", "q7"});
  const auto mean_LD = refitted_directions(vector_of("mean_diff"), rows, {});
  EXPECT_TRUE(
      at::allclose(mean_LD[1], (rows.positive[1] - rows.negative[1]).mean(0)));
  EXPECT_EQ(mean_LD[2].abs().sum().item<float>(), 0.0F);
  for (const char* name : {"pca_uncentred", "logistic", "mass_mean"}) {
    const auto other_LD = refitted_directions(vector_of(name), rows, {});
    EXPECT_GT(other_LD[0].dot(mean_LD[0]).item<float>(), 0.0F) << name;
    EXPECT_EQ(other_LD[2].abs().sum().item<float>(), 0.0F) << name;
  }
}

TEST(RefittedDirections, TooFewForTheMethodIsAnError) {
  EXPECT_THROW(refitted_directions(vector_of("logistic"), rows_of(5), {}),
               Error);
}

}  // namespace
}  // namespace veer
