// SPDX-License-Identifier: MIT
#include "veer/train/reft_direction.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/log_softmax.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int32_t kAnswer = 7;

// Prompts of three tokens, answers of one.
std::vector<AnsweredPrompt> texts(std::int32_t count) {
  std::vector<AnsweredPrompt> out;
  for (std::int32_t i = 0; i < count; ++i) {
    out.push_back({{1, 3 + i % 4, 2 + i % 5, kAnswer}, 3});
  }
  return out;
}

ReftOptions options(std::int64_t layer) {
  ReftOptions out;
  out.layer = layer;
  out.steps = 40;
  out.batch = 4;
  out.top_k = 2;
  out.norm = 4.0;
  out.seed = 3;
  return out;
}

at::Tensor unit(std::uint64_t seed) {
  Random random(seed);
  const auto drawn_D = random_tensor({16}, random);
  return drawn_D / drawn_D.norm();
}

double cosine(const at::Tensor& a, const at::Tensor& b) {
  return (a.dot(b) / (a.norm() * b.norm())).item<double>();
}

// Behind the last block only the head follows, so h' can be made by hand.
TEST(ReftDirection, LossIsTheFormula) {
  const Transformer model = tiny_model();
  auto settings = options(model.config().num_layers - 1);
  settings.l1 = 0.7;
  const AnsweredPrompt text = {{1, 3, 2, 5, kAnswer, 4}, 4};
  const auto w_D = unit(7);  // more than k tokens hold it
  const Rows rows = {text.ids};
  const auto hidden_TD = model.forward(pack(rows), {});
  std::vector<double> latents;
  for (std::int64_t t = 1; t < 6; ++t) {
    latents.push_back(std::max(0.0, hidden_TD[t].dot(w_D).item<double>()));
  }
  std::sort(latents.rbegin(), latents.rend());
  const double m = (latents[0] + latents[1]) / 2.0;
  const double rest = (latents[2] + latents[3] + latents[4]) / 5.0;
  ASSERT_GT(rest, 0.0);
  const auto log_probs_TV =
      at::log_softmax(model.logits(hidden_TD + m * w_D.unsqueeze(0)), 1);
  const double lm = -(log_probs_TV[3][kAnswer].item<double>() +
                      log_probs_TV[4][4].item<double>()) /
                    2.0;
  const auto got =
      reft_loss(model, pack_answers(std::array{text}, at::kCPU), w_D, settings,
                /*penalty_share=*/0.5);
  EXPECT_NEAR(got.item<double>(), lm + 0.5 * 0.7 * rest / 4.0, 1e-5);
}

TEST(ReftDirection, GradientIsThatOfFiniteDifferences) {
  const Transformer model = tiny_model();
  auto settings = options(0);
  settings.l1 = 1.0;
  const auto batch = pack_answers(texts(5), at::kCPU);
  const auto loss_at = [&](const at::Tensor& w_D) {
    return reft_loss(model, batch, w_D, settings, 1.0);
  };
  at::Tensor w_D = unit(6);
  at::Tensor gradient_D;
  {
    const c10::AutoGradMode training(true);
    const auto leaf_D = w_D.clone().requires_grad_(true);
    loss_at(leaf_D).backward();
    gradient_D = leaf_D.grad().clone();
  }
  ASSERT_GT(gradient_D.norm().item<double>(), 0.05);
  const c10::AutoGradMode frozen(false);
  const double h = 2e-3;
  for (std::int64_t i = 0; i < 16; ++i) {
    auto up_D = w_D.clone();
    auto down_D = w_D.clone();
    up_D[i] += h;
    down_D[i] -= h;
    const double slope =
        (loss_at(up_D) - loss_at(down_D)).item<double>() / (2.0 * h);
    EXPECT_NEAR(gradient_D[i].item<double>(), slope,
                0.01 * gradient_D.norm().item<double>())
        << "element " << i;
  }
}

TEST(ReftDirection, MakesTheAnswerLikelier) {
  const Transformer model = tiny_model();
  const auto got = train_reft_direction(model, texts(12), options(0), {});
  EXPECT_EQ(got.losses.size(), 40U);
  EXPECT_LT(got.losses.back(), got.losses.front() - 0.5);
  EXPECT_GT(got.gain, 0.5);
  EXPECT_GT(got.latent, 0.0);
  EXPECT_NEAR(got.direction_D.norm().item<double>(), got.latent,
              1e-4 * got.latent);
}

TEST(ReftDirection, BehindTheLastBlockItIsThatOfTheToken) {
  // There the answer is read by the head alone, so the truth is known: the
  // row of the token, but for the norm and what the other tokens share.
  const Transformer model = tiny_model();
  auto settings = options(model.config().num_layers - 1);
  settings.steps = 100;
  const auto got = train_reft_direction(model, texts(12), settings, {});
  at::Tensor head_VD;
  at::Tensor norm_D;
  for (const auto& [name, weight] : model.weights()) {
    if (name == "lm_head.weight" ||
        (name == "model.embed_tokens.weight" && !head_VD.defined())) {
      head_VD = weight;
    } else if (name == "model.norm.weight") {
      norm_D = weight;
    }
  }
  const auto truth_D = (head_VD[kAnswer] - head_VD.mean(0)) * norm_D;
  EXPECT_GT(cosine(got.direction_D, truth_D), 0.75);
  settings.seed = 9;  // another start ends there too
  const auto again = train_reft_direction(model, texts(12), settings, {});
  EXPECT_GT(cosine(got.direction_D, again.direction_D), 0.9);
}

TEST(ReftDirection, SameSeedSameBytes) {
  const Transformer model = tiny_model();
  const auto one = train_reft_direction(model, texts(6), options(0), {});
  const auto two = train_reft_direction(model, texts(6), options(0), {});
  EXPECT_TRUE(one.direction_D.equal(two.direction_D));
  auto other = options(0);
  other.seed = 4;
  EXPECT_FALSE(one.direction_D.equal(
      train_reft_direction(model, texts(6), other, {}).direction_D));
}

TEST(ReftDirection, LeavesTheModelAsItWas) {
  const Transformer model = tiny_model();
  const auto before = model.weights().front().second.clone();
  train_reft_direction(model, texts(6), options(0), {});
  EXPECT_TRUE(model.weights().front().second.equal(before));
  EXPECT_FALSE(model.weights().front().second.requires_grad());
}

TEST(ReftDirection, RefusesWhatCannotBeTrained) {
  const Transformer model = tiny_model();
  const auto refused = [&](const std::vector<AnsweredPrompt>& data,
                           const ReftOptions& settings) {
    try {
      train_reft_direction(model, data, settings, {});
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused(texts(2), options(0)), testing::HasSubstr("2 answers"));
  EXPECT_THAT(refused(texts(6), options(99)), testing::HasSubstr("layer 99"));
  auto none = options(0);
  none.top_k = 0;
  EXPECT_THAT(refused(texts(6), none), testing::HasSubstr("top k of 0"));
  auto wild = options(0);
  wild.norm = 0.0;
  EXPECT_THAT(refused(texts(6), wild), testing::HasSubstr("step 1 of layer 0"));
  wild = options(0);
  wild.learning_rate = std::numeric_limits<double>::infinity();
  EXPECT_THAT(refused(texts(6), wild), testing::HasSubstr("of layer 0"));
}

}  // namespace
}  // namespace veer
