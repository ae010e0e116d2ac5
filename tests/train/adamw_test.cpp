// SPDX-License-Identifier: MIT
#include "veer/train/adamw.h"

#include <cmath>
#include <limits>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

at::Tensor values(std::initializer_list<float> list) {
  return at::tensor(at::ArrayRef<float>(list.begin(), list.size()));
}

TEST(AdamW, FirstStepMovesByTheRateAgainstTheSign) {
  auto p = values({1.0F, 1.0F, 1.0F});
  AdamW optimizer({{"p", p, 0.0}}, {.clip_norm = 0.0});
  p.mutable_grad() = values({3.0F, -0.5F, 0.0F});
  const double norm = optimizer.step(0.1);
  EXPECT_NEAR(norm, std::sqrt(9.25), 1e-6);
  EXPECT_TRUE(at::allclose(p, values({0.9F, 1.1F, 1.0F}), 1e-5, 1e-6));
}

TEST(AdamW, FirstStepIsTheRateToTheLastDigits) {
  // 1 - 0.999 in fp32 is 1.3e-5 off: the step would be half of that too long.
  auto p = values({0.0F});
  AdamW optimizer({{"p", p, 0.0}}, {.clip_norm = 0.0});
  p.mutable_grad() = values({1.0F});
  optimizer.step(1.0);
  EXPECT_NEAR(p.item<float>(), -1.0, 5e-7);
}

TEST(AdamW, MatchesTheFormulaOverSteps) {
  auto p = values({2.0F});
  AdamW optimizer({{"p", p, 0.1}},
                  {.beta1 = 0.8, .beta2 = 0.9, .eps = 1e-3, .clip_norm = 0.0});
  double x = 2.0, m = 0.0, v = 0.0;
  for (int t = 1; t <= 5; ++t) {
    const double g = 0.3 * t - 1.0;
    p.mutable_grad() = values({static_cast<float>(g)});
    optimizer.step(0.05);
    m = 0.8 * m + 0.2 * g;
    v = 0.9 * v + 0.1 * g * g;
    x = x * (1.0 - 0.05 * 0.1) -
        0.05 * (m / (1.0 - std::pow(0.8, t))) /
            (std::sqrt(v / (1.0 - std::pow(0.9, t))) + 1e-3);
    EXPECT_NEAR(p.item<float>(), x, 1e-6) << t;
  }
  EXPECT_EQ(optimizer.num_steps(), 5);
}

TEST(AdamW, ClipsTheWholeGradientNotEachTensor) {
  auto a = values({0.0F});
  auto b = values({0.0F});
  AdamW optimizer({{"a", a, 0.0}, {"b", b, 0.0}}, {.clip_norm = 1.0});
  a.mutable_grad() = values({30.0F});
  b.mutable_grad() = values({40.0F});
  EXPECT_NEAR(optimizer.step(0.1), 50.0, 1e-5);
  const auto state = optimizer.state();
  EXPECT_NEAR(state.at("m.a").item<float>(), 0.1 * 0.6, 1e-6);
  EXPECT_NEAR(state.at("m.b").item<float>(), 0.1 * 0.8, 1e-6);
}

TEST(AdamW, DecayIsOfEachParameter) {
  auto a = values({1.0F});
  auto b = values({1.0F});
  AdamW optimizer({{"a", a, 0.5}, {"b", b, 0.0}}, {});
  a.mutable_grad() = values({0.0F});
  b.mutable_grad() = values({0.0F});
  optimizer.step(0.1);
  EXPECT_FLOAT_EQ(a.item<float>(), 0.95F);
  EXPECT_FLOAT_EQ(b.item<float>(), 1.0F);
}

TEST(AdamW, LeavesAParameterWithoutGradientAlone) {
  auto a = values({1.0F});
  AdamW optimizer({{"a", a, 0.5}}, {});
  EXPECT_EQ(optimizer.step(0.1), 0.0);
  EXPECT_FLOAT_EQ(a.item<float>(), 1.0F);
}

TEST(AdamW, StopsOnANonFiniteGradientBeforeChangingAnything) {
  auto a = values({1.0F});
  auto b = values({1.0F});
  AdamW optimizer({{"a", a, 0.0}, {"b", b, 0.0}}, {});
  a.mutable_grad() = values({1.0F});
  b.mutable_grad() = values({std::numeric_limits<float>::quiet_NaN()});
  try {
    optimizer.step(0.1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kFailed);
  }
  EXPECT_FLOAT_EQ(a.item<float>(), 1.0F);
  EXPECT_EQ(optimizer.num_steps(), 0);
}

TEST(AdamW, RestoredStateContinuesBitForBit) {
  const auto run = [](AdamW& optimizer, at::Tensor p, int from, int to) {
    for (int t = from; t < to; ++t) {
      p.mutable_grad() = at::full_like(p, 0.1F * static_cast<float>(t)) + p;
      optimizer.step(0.01);
    }
  };
  auto p = at::ones({5});
  AdamW whole({{"p", p, 0.1}}, {});
  run(whole, p, 0, 6);

  auto q = at::ones({5});
  AdamW first({{"p", q, 0.1}}, {});
  run(first, q, 0, 3);
  AdamW second({{"p", q, 0.1}}, {});
  second.load_state(first.state());
  run(second, q, 3, 6);
  EXPECT_TRUE(at::equal(p, q));
  EXPECT_THROW(second.load_state({}), Error);
}

TEST(AdamW, DoesNotDependOnTheNumberOfThreads) {
  const auto grad = at::randn({200001});
  const auto run = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    auto p = at::zeros({200001});
    AdamW optimizer({{"p", p, 0.0}}, {.clip_norm = 1.0});
    p.mutable_grad() = grad;
    const double norm = optimizer.step(0.1);
    at::set_num_threads(before);
    return std::pair(p, norm);
  };
  const auto [one, norm_one] = run(1);
  const auto [three, norm_three] = run(3);
  EXPECT_EQ(norm_one, norm_three);
  EXPECT_TRUE(at::equal(one, three));
}

TEST(AdamW, RefusesWhatItCannotTrain) {
  EXPECT_THROW(AdamW({{"p", at::ones({2}, at::kHalf), 0.0}}, {}), Error);
  EXPECT_THROW(AdamW({{"p", at::ones({2, 3}).t(), 0.0}}, {}), Error);
  const auto p = at::ones({2});
  EXPECT_THROW(AdamW({{"p", p, 0.0}, {"p", p, 0.0}}, {}), Error);
}

}  // namespace
}  // namespace veer
