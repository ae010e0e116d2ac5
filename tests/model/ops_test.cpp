// SPDX-License-Identifier: MIT
#include "veer/model/ops.h"

#include <array>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/model/attention.h"
#include "veer/model/kernels.h"

namespace veer {
namespace {

using Inputs = std::vector<at::Tensor>;

// Output and gradients of sum(f(inputs) * weights).
template <class F>
Inputs with_gradients(const F& f, const Inputs& inputs) {
  Inputs leaves;
  for (const auto& input : inputs) {
    leaves.push_back(input.detach().clone().set_requires_grad(true));
  }
  const at::Tensor out = f(leaves);
  Random random(77);
  (out * random_tensor(out.sizes(), random)).sum().backward();
  Inputs result{out.detach()};
  for (const auto& leaf : leaves) {
    result.push_back(leaf.grad());
  }
  return result;
}

template <class F, class G>
void expect_same(const F& fused, const G& plain, const Inputs& inputs,
                 double tolerance = 1e-5) {
  const Inputs found = with_gradients(fused, inputs);
  const Inputs wanted = with_gradients(plain, inputs);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(at::allclose(found[i], wanted[i], tolerance, tolerance))
        << (i == 0 ? "output" : "gradient of input " + std::to_string(i - 1));
  }
  // The same bits again, and with another number of threads.
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Inputs again = with_gradients(fused, inputs);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(at::equal(again[i], found[i])) << i;
  }
}

// Kernels that share their work out by at::parallel_for ran on one thread as
// long as OpenMP was off in Veer's own files.
TEST(Ops, ParallelLoopsUseSeveralThreads) {
#if defined(_OPENMP)
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  std::array<std::thread::id, 2> seen;
  at::parallel_for(0, 2, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      seen[i] = std::this_thread::get_id();
    }
  });
  at::set_num_threads(threads);
  EXPECT_NE(seen[0], seen[1]);
#else
  GTEST_SKIP() << "built without OpenMP";
#endif
}

TEST(Ops, LinearEqualsThePlainForm) {
  Random random(5);
  for (const auto& [rows, inputs, outputs] :
       std::vector<std::array<std::int64_t, 3>>{{4, 24, 8},
                                                {5, 16, 32},
                                                {7, 300, 33},
                                                {70, 128, 100},
                                                {1200, 40, 65}}) {
    expect_same(
        [](const Inputs& x) { return ops::linear(x[0], x[1], x[2]); },
        [](const Inputs& x) { return ops::plain::linear(x[0], x[1], x[2]); },
        {random_tensor({rows, inputs}, random),
         random_tensor({outputs, inputs}, random),
         random_tensor({outputs}, random)},
        1e-4);
  }
}

TEST(Ops, LinearTakesPartsOfWiderMatrices) {
  Random random(6);
  const auto x = random_tensor({9, 50}, random);
  const auto weight = random_tensor({40, 60}, random);
  const auto found = ops::linear(x.narrow(1, 3, 20), weight.narrow(1, 5, 20));
  const auto wanted = ops::plain::linear(x.narrow(1, 3, 20).contiguous(),
                                         weight.narrow(1, 5, 20).contiguous());
  EXPECT_TRUE(at::allclose(found, wanted, 1e-5, 1e-5));
}

TEST(Ops, LinearGivesARowTheSameBitsInEveryBatch) {
  if (kernels().product == nullptr) {
    GTEST_SKIP() << "no fused product for this processor (needs AVX2)";
  }
  Random random(7);
  const auto x = random_tensor({1500, 300}, random);
  const auto weight = random_tensor({200, 300}, random);
  const auto all = ops::linear(x, weight);
  for (const std::int64_t rows : {4, 5, 6, 7, 8, 64, 129, 1025}) {
    EXPECT_TRUE(at::equal(ops::linear(x.narrow(0, 0, rows), weight),
                          all.narrow(0, 0, rows)))
        << rows << " rows";
  }
}

TEST(Ops, LinearReadsKeptWeights) {
  if (kernels().product == nullptr) {
    GTEST_SKIP() << "no fused product for this processor (needs AVX2)";
  }
  Random random(8);
  const auto x = random_tensor({1500, 300}, random);
  auto weight = random_tensor({200, 300}, random);
  const auto kept = ops::turned(weight);
  ASSERT_TRUE(kept.panels.defined());
  const auto all = ops::linear(x, weight, {}, kept);
  EXPECT_TRUE(at::allclose(all, ops::plain::linear(x, weight), 1e-4, 1e-4));
  EXPECT_TRUE(at::equal(ops::linear(x, weight), all));
  for (const std::int64_t rows : {1, 2, 3, 8, 129, 1500}) {
    EXPECT_TRUE(at::equal(ops::linear(x.narrow(0, 0, rows), weight, {}, kept),
                          all.narrow(0, 0, rows)))
        << rows << " rows";
  }
  // Changed weights are not taken for the kept ones.
  weight.mul_(2.0);
  EXPECT_TRUE(at::equal(ops::linear(x, weight, {}, kept), all * 2.0));
  EXPECT_FALSE(ops::turned(weight.clone().requires_grad_()).panels.defined());
  EXPECT_FALSE(ops::turned(weight.to(at::kDouble)).panels.defined());
}

TEST(Ops, GradientsPassThroughKeptWeights) {
  Random random(9);
  const auto weight = random_tensor({40, 30}, random);
  const auto kept = ops::turned(weight);
  const auto gradient = [&](const ops::TurnedWeights& with) {
    Random again(10);
    auto x = random_tensor({9, 30}, again).requires_grad_();
    ops::linear(x, weight, {}, with).square().sum().backward();
    return x.grad();
  };
  EXPECT_TRUE(at::equal(gradient(kept), gradient({})));
}

TEST(Ops, NormEqualsThePlainForm) {
  Random random(1);
  for (const RmsNormKind kind :
       {RmsNormKind::kRounded, RmsNormKind::kWide, RmsNormKind::kPlusOne}) {
    for (const std::int64_t width : {24, 128}) {
      expect_same(
          [&](const Inputs& x) {
            return ops::rms_norm(x[0], x[1], 1e-5, kind);
          },
          [&](const Inputs& x) {
            return ops::plain::rms_norm(x[0], x[1], 1e-5, kind);
          },
          {random_tensor({700, width}, random), random_tensor({width}, random)},
          1e-4);
    }
  }
}

TEST(Ops, NormAcceptsHeads) {
  Random random(1);
  const auto x = random_tensor({5, 3, 8}, random);
  const auto w = random_tensor({8}, random);
  EXPECT_TRUE(at::allclose(
      ops::rms_norm(x, w, 1e-6, RmsNormKind::kRounded),
      ops::plain::rms_norm(x, w, 1e-6, RmsNormKind::kRounded), 1e-5, 1e-6));
}

TEST(Ops, GatedEqualsThePlainForm) {
  Random random(1);
  expect_same(
      [&](const Inputs& x) {
        return ops::gated(x[0], x[1], Activation::kSilu);
      },
      [&](const Inputs& x) {
        return ops::plain::gated(x[0], x[1], Activation::kSilu);
      },
      {random_tensor({300, 88}, random), random_tensor({300, 88}, random)});
  // Both halves of one product, as Phi-3 has them.
  expect_same(
      [&](const Inputs& x) {
        return ops::gated(x[0].narrow(1, 0, 40), x[0].narrow(1, 40, 40),
                          Activation::kSilu);
      },
      [&](const Inputs& x) {
        return ops::plain::gated(x[0].narrow(1, 0, 40), x[0].narrow(1, 40, 40),
                                 Activation::kSilu);
      },
      {random_tensor({30, 80}, random)});
}

RopeTable some_angles(std::int64_t tokens, std::int64_t half, Random& random) {
  const auto angles = random_tensor({tokens, half}, random, 3.0);
  return {angles.cos(), angles.sin()};
}

TEST(Ops, RotateEqualsThePlainForm) {
  Random random(1);
  const RopeTable whole = some_angles(50, 8, random);
  const RopeTable part = some_angles(50, 6, random);
  for (const RopeTable& table : {whole, part}) {
    expect_same(
        [&](const Inputs& x) { return ops::rotate(x[0], table); },
        [&](const Inputs& x) { return ops::plain::rotate(x[0], table); },
        {random_tensor({50, 3, 16}, random)});
    // The queries inside a fused projection.
    expect_same(
        [&](const Inputs& x) {
          return ops::rotate(x[0].narrow(1, 16, 32).unflatten(1, {2, 16}),
                             table);
        },
        [&](const Inputs& x) {
          return ops::plain::rotate(
              x[0].narrow(1, 16, 32).unflatten(1, {2, 16}), table);
        },
        {random_tensor({50, 64}, random)});
  }
}

TEST(Ops, FusedAttentionEqualsThePlainForm) {
  for (const std::int64_t window : {0, 6}) {
    for (const std::int64_t kv_heads : {1, 2, 4}) {
      const Rows rows = random_rows({33, 1, 70, 5, 33, 160}, 9, 3);
      const PackedBatch batch = pack(rows);
      const AttentionPlan plan = plan_attention(batch, nullptr);
      const AttentionSettings settings{.scale = 0.25, .window = window};
      Random random(5);
      const std::int64_t tokens = batch.num_tokens();
      expect_same(
          [&](const Inputs& x) {
            return attention(x[0], x[1], x[2], batch, plan, settings, nullptr,
                             nullptr);
          },
          [&](const Inputs& x) {
            return attention_plain(x[0], x[1], x[2], plan, settings, nullptr,
                                   nullptr);
          },
          {random_tensor({tokens, 4, 16}, random),
           random_tensor({tokens, kv_heads, 16}, random),
           random_tensor({tokens, kv_heads, 16}, random)});
    }
  }
}

}  // namespace
}  // namespace veer
