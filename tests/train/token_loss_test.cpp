// SPDX-License-Identifier: MIT
#include "veer/train/token_loss.h"

#include <cmath>

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

at::Tensor ids(std::initializer_list<std::int64_t> list) {
  return at::tensor(at::ArrayRef<std::int64_t>(list.begin(), list.size()));
}

at::Tensor floats(std::initializer_list<float> list) {
  return at::tensor(at::ArrayRef<float>(list.begin(), list.size()));
}

// The same loss by plain operations.
at::Tensor plain_loss(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                      const at::Tensor& weights_N, double denominator) {
  const auto lp_NV = at::log_softmax(logits_NV.to(at::kFloat), -1);
  return -(lp_NV.gather(1, targets_N.unsqueeze(1)).squeeze(1) * weights_N)
              .sum() /
         denominator;
}

TEST(TokenLoss, EvenLogitsCostTheLogOfTheVocabulary) {
  const auto out = token_loss(at::zeros({2, 8}), ids({3, 0}), at::ones({2}), 2);
  EXPECT_NEAR(out.loss.item<float>(), std::log(8.0), 1e-6);
  EXPECT_NEAR(out.log_probs_N[1].item<float>(), -std::log(8.0), 1e-6);
}

TEST(TokenLoss, GradientEqualsThatOfPlainOperations) {
  for (const double upstream : {1.0, 2.5}) {
    const auto x_ND = at::randn({5, 6});
    const auto targets = ids({0, 3, 8, 8, 1});
    const auto weights = floats({1.0F, 0.5F, 0.0F, 2.0F, 0.1F});
    auto ours_VD = at::randn({9, 6}).requires_grad_(true);
    auto plain_VD = ours_VD.detach().clone().requires_grad_(true);
    const auto ours =
        token_loss(at::linear(x_ND, ours_VD), targets, weights, 3.6);
    (ours.loss * upstream).backward();
    const auto plain =
        plain_loss(at::linear(x_ND, plain_VD), targets, weights, 3.6);
    (plain * upstream).backward();
    EXPECT_NEAR(ours.loss.item<float>(), plain.item<float>(), 1e-6);
    EXPECT_TRUE(at::allclose(ours_VD.grad(), plain_VD.grad(), 1e-5, 1e-6));
  }
}

TEST(TokenLoss, WithoutGradientTheLogitsStayAsTheyAre) {
  const auto logits = at::randn({3, 4});
  const auto before = logits.clone();
  token_loss(logits, ids({0, 1, 2}), at::ones({3}), 3.0);
  EXPECT_TRUE(at::equal(logits, before));
}

TEST(TokenLoss, SurvivesLargeLogits) {
  const auto out = token_loss(at::full({1, 4}, 3e4) + floats({0, 1, 0, 0}),
                              ids({1}), at::ones({1}), 1.0);
  EXPECT_NEAR(out.loss.item<float>(), std::log(1.0 + 3.0 / std::exp(1.0)),
              1e-5);
}

// Logits as a language model has them: one likely word, and tens of thousands
// that are together a part of the whole and each far below it.
TEST(TokenLoss, ALargeVocabularyKeepsItsRareWords) {
  constexpr std::int64_t kRows = 6;
  constexpr std::int64_t kVocabulary = 49'152;
  at::manual_seed(3);
  auto z_NV = at::randn({kRows, kVocabulary}) * 2.0;
  z_NV.select(1, 7) += 16.0;
  const auto targets = ids({7, 0, 49'151, 7, 1'000, 30'000});
  const auto exact_NV = at::log_softmax(z_NV.to(at::kDouble), -1);
  const auto exact_N = exact_NV.gather(1, targets.unsqueeze(1)).squeeze(1);
  const auto quiet = token_loss(z_NV, targets, at::ones({kRows}), kRows);
  EXPECT_LT((quiet.log_probs_N - exact_N).abs().max().item<double>(), 2e-6);
  const double loss = -exact_N.mean().item<double>();
  EXPECT_NEAR(quiet.loss.item<float>() / loss, 1.0, 3e-7);

  auto leaf_NV = z_NV.clone().requires_grad_(true);
  token_loss(leaf_NV * 1.0, targets, at::ones({kRows}), kRows).loss.backward();
  const auto wanted_NV = (exact_NV.exp() - at::zeros_like(exact_NV).scatter_(
                                               1, targets.unsqueeze(1), 1.0)) /
                         static_cast<double>(kRows);
  const auto off_NV = leaf_NV.grad().to(at::kDouble) - wanted_NV;
  EXPECT_LT((off_NV.norm() / wanted_NV.norm()).item<double>(), 1e-6);
  // Of each row the probabilities, less the target's 1, add up to nothing.
  EXPECT_LT(
      leaf_NV.grad().sum(1, false, at::kDouble).abs().max().item<double>(),
      1e-7);
}

TEST(TokenLoss, RefusesWhatDoesNotFit) {
  const auto logits = at::zeros({2, 4});
  EXPECT_THROW(token_loss(logits, ids({0}), at::ones({1}), 1.0), Error);
  EXPECT_THROW(token_loss(logits, ids({0, 4}), at::ones({2}), 1.0), Error);
  EXPECT_THROW(token_loss(logits, ids({0, -1}), at::ones({2}), 1.0), Error);
  EXPECT_THROW(token_loss(at::zeros({0, 4}), at::zeros({0}, at::kLong),
                          at::zeros({0}), 1.0),
               Error);
}

TEST(HeadTokenLoss, ChunksGiveTheSameLossAndGradient) {
  const Transformer model = tiny_model();
  const auto width = model.config().width;
  const auto targets = ids({0, 3, 8, 2, 1});
  const auto weights = floats({1.0F, 0.5F, 1.0F, 2.0F, 0.1F});
  auto plain_ND = at::randn({5, width}).requires_grad_(true);
  const auto plain = plain_loss(model.logits(plain_ND), targets, weights, 4.0);
  plain.backward();
  for (const std::int64_t chunk : {1, 2, 5, 100}) {
    auto ours_ND = plain_ND.detach().clone().requires_grad_(true);
    const auto ours =
        head_token_loss(model, ours_ND, targets, weights, 4.0, chunk);
    ours.loss.backward();
    EXPECT_NEAR(ours.loss.item<float>(), plain.item<float>(), 1e-6) << chunk;
    EXPECT_TRUE(at::allclose(ours_ND.grad(), plain_ND.grad(), 1e-4, 1e-6))
        << chunk;
    const at::NoGradGuard no_grad;
    const auto quiet =
        head_token_loss(model, ours_ND, targets, weights, 4.0, chunk);
    EXPECT_NEAR(quiet.loss.item<float>(), plain.item<float>(), 1e-6) << chunk;
  }
}

}  // namespace
}  // namespace veer
