// SPDX-License-Identifier: MIT
#include "veer/interventions/displacement.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

SteeringInput example() {
  SteeringInput input;
  input.directions_LD = at::tensor({3.0F, 4.0F, 0.0F, 2.0F}).reshape({2, 2});
  input.norms.generated_L = {10.0, 20.0};
  return input;
}

Intervention adding(double scale, ScaleUnit unit) {
  Intervention add;
  add.scale = scale;
  add.unit = unit;
  add.layers = {0, 1};
  return add;
}

void expect_rows(const at::Tensor& found, const std::vector<float>& rows) {
  EXPECT_TRUE(at::allclose(found, at::tensor(rows).reshape({2, 2}))) << found;
}

TEST(FixedDisplacement, IsWhatEachUnitAdds) {
  const auto rows = [](double scale, ScaleUnit unit) {
    return fixed_displacement(adding(scale, unit), example(), 2);
  };
  expect_rows(rows(2, ScaleUnit::kRaw), {6, 8, 0, 4});
  expect_rows(rows(-1, ScaleUnit::kUnit), {-0.6F, -0.8F, 0, -1});
  expect_rows(rows(0.5, ScaleUnit::kRel), {3, 4, 0, 10});
}

TEST(FixedDisplacement, SharesTheStrengthAndLeavesOtherLayersZero) {
  auto add = adding(1, ScaleUnit::kRaw);
  add.budget = Budget::kPerLayer;
  expect_rows(fixed_displacement(add, example(), 2), {1.5, 2, 0, 1});
  add.layers = {1};
  expect_rows(fixed_displacement(add, example(), 2), {0, 0, 0, 2});
}

TEST(FixedDisplacement, RefusesWhatDependsOnTheState) {
  auto wish = adding(1, ScaleUnit::kRelToken);
  EXPECT_THROW(fixed_displacement(wish, example(), 2), Error);
  wish = adding(1, ScaleUnit::kRaw);
  wish.operation = "ablate";
  EXPECT_THROW(fixed_displacement(wish, example(), 2), Error);
  wish.operation = "add_keep_norm";
  EXPECT_THROW(fixed_displacement(wish, example(), 2), Error);
}

}  // namespace
}  // namespace veer
