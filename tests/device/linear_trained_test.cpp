// SPDX-License-Identifier: MIT
#include "veer/model/linear_trained.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "device/support.h"
#include "veer/model/dropout.h"

namespace veer::testing {
namespace {

at::Tensor numbers(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat) {
  return at::randn(sizes).to(tested_device(), dtype);
}

struct Gradients {
  at::Tensor y, x, A, B;
};

// Weighs the outputs unequally, so that each element's gradient is its own.
Gradients gradients_of(const at::Tensor& y_TO, const at::Tensor& weights_TO,
                       at::Tensor x, at::Tensor A, at::Tensor B) {
  for (at::Tensor* leaf : {&x, &A, &B}) {
    leaf->mutable_grad().reset();
  }
  (y_TO.to(at::kFloat) * weights_TO).sum().backward();
  return {y_TO, x.grad(), A.grad(), B.grad()};
}

TEST(LinearTrained, DifferentiatesAsTorchDoes) {
  if (tested_device().is_cpu()) {
    GTEST_SKIP() << "takes products that cards alone have";
  }
  for (const auto dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    for (const double dropout : {0.0, 0.4}) {
      const auto x = numbers({7, 12}, dtype).requires_grad_(true);
      const auto W = numbers({9, 12}, dtype);
      const auto bias = numbers({9}, dtype);
      const LoraPair pair{.A_RI = numbers({3, 12}).requires_grad_(true),
                          .B_OR = numbers({9, 3}).requires_grad_(true),
                          .scale = 1.5};
      const TrainedPass pass{
          .strength = 0.5, .dropout = dropout, .dropout_seed = 8};
      const auto weights = numbers({7, 9});
      auto left = x.to(at::kFloat);
      if (dropout > 0.0) {
        left = left * kept_elements(x, dropout, 8) / (1.0 - dropout);
      }
      const auto theirs = gradients_of(
          at::linear(x, W, bias).to(at::kFloat) +
              at::linear(at::linear(left, pair.A_RI), pair.B_OR) * 0.75,
          weights, x, pair.A_RI, pair.B_OR);
      const auto ours = gradients_of(linear_trained(x, W, bias, pair, pass),
                                     weights, x, pair.A_RI, pair.B_OR);
      EXPECT_EQ(ours.y.scalar_type(), dtype);
      EXPECT_EQ(ours.x.scalar_type(), dtype);
      EXPECT_EQ(ours.A.scalar_type(), at::kFloat);
      EXPECT_EQ(ours.B.scalar_type(), at::kFloat);
      const double rounding = dtype == at::kFloat ? 1e-6 : 1e-2;
      expect_close(ours.y, theirs.y, rounding);
      expect_close(ours.x, theirs.x, rounding);
      expect_close(ours.A, theirs.A, rounding);
      expect_close(ours.B, theirs.B, rounding);
    }
  }
}

TEST(KeptElements, FollowFromTheSeed) {
  for (const auto device : {at::Device(at::kCPU), tested_device()}) {
    const auto x = at::randn({200, 50}).to(device);
    const auto first = kept_elements(x, 0.3, 5).cpu().to(at::kFloat);
    EXPECT_NEAR(first.mean().item<double>(), 0.7, 0.02);
    EXPECT_TRUE(first.equal(kept_elements(x, 0.3, 5).cpu().to(at::kFloat)));
    EXPECT_FALSE(first.equal(kept_elements(x, 0.3, 6).cpu().to(at::kFloat)));
  }
}

}  // namespace
}  // namespace veer::testing
