// SPDX-License-Identifier: MIT
#include "veer/train/preference_direction.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int32_t kWanted = 7;
constexpr std::int32_t kUnwanted = 11;

// Prompts of three tokens, answers of one and an end of turn.
std::vector<PreferencePair> pairs(std::int32_t count) {
  std::vector<PreferencePair> out;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::vector<std::int32_t> prompt = {1, 3 + i % 4, 2 + i % 5};
    PreferencePair pair;
    pair.begin = 3;
    pair.wanted = prompt;
    pair.unwanted = prompt;
    pair.wanted.insert(pair.wanted.end(), {kWanted, 0});
    pair.unwanted.insert(pair.unwanted.end(), {kUnwanted, 0});
    out.push_back(std::move(pair));
  }
  return out;
}

PreferenceOptions options(std::int64_t layer) {
  PreferenceOptions out;
  out.layer = layer;
  out.steps = 40;
  out.batch = 4;
  out.beta = 1.0;
  out.norm = 4.0;
  out.learning_rate = 0.05;
  out.seed = 3;
  return out;
}

double cosine(const at::Tensor& a, const at::Tensor& b) {
  return (a.dot(b) / (a.norm() * b.norm())).item<double>();
}

TEST(PreferenceDirection, MakesOneAnswerLikelierAndSubtractedTheOther) {
  const Transformer model = tiny_model();
  const auto got = train_preference_direction(model, pairs(12), options(0), {});
  EXPECT_NEAR(got.losses.front(), std::log(2.0), 1e-6);  // v = 0
  EXPECT_LT(got.losses.back(), 0.8 * got.losses.front());
  EXPECT_GT(got.gain_added, 0.2);
  EXPECT_LT(got.gain_subtracted, -0.2);
}

TEST(PreferenceDirection, BehindTheLastBlockItIsThatOfTheTwoTokens) {
  // There the answer is read by the head alone, so the truth is known: the
  // difference of the two rows, but for the norm.
  const Transformer model = tiny_model();
  const auto last = model.config().num_layers - 1;
  const auto got =
      train_preference_direction(model, pairs(12), options(last), {});
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
  const auto truth_D = (head_VD[kWanted] - head_VD[kUnwanted]) * norm_D;
  EXPECT_GT(cosine(got.direction_D, truth_D), 0.8);
}

TEST(PreferenceDirection, SameSeedSameBytes) {
  const Transformer model = tiny_model();
  const auto one = train_preference_direction(model, pairs(6), options(0), {});
  const auto two = train_preference_direction(model, pairs(6), options(0), {});
  EXPECT_TRUE(one.direction_D.equal(two.direction_D));
  auto other = options(0);
  other.seed = 4;
  EXPECT_FALSE(one.direction_D.equal(
      train_preference_direction(model, pairs(6), other, {}).direction_D));
}

TEST(PreferenceDirection, LeavesTheModelAsItWas) {
  const Transformer model = tiny_model();
  const auto before = model.weights().front().second.clone();
  train_preference_direction(model, pairs(6), options(0), {});
  EXPECT_TRUE(model.weights().front().second.equal(before));
  EXPECT_FALSE(model.weights().front().second.requires_grad());
}

TEST(PreferenceDirection, RefusesWhatCannotBeTrained) {
  const Transformer model = tiny_model();
  const auto refused = [&](const std::vector<PreferencePair>& data,
                           const PreferenceOptions& settings) {
    try {
      train_preference_direction(model, data, settings, {});
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused(pairs(2), options(0)), testing::HasSubstr("2 pairs"));
  EXPECT_THAT(refused(pairs(6), options(99)), testing::HasSubstr("layer 99"));
  auto no_steps = options(0);
  no_steps.steps = 0;
  EXPECT_THAT(refused(pairs(6), no_steps), testing::HasSubstr("0 steps"));
  auto empty = pairs(6);
  empty[2].unwanted.resize(3);
  EXPECT_THAT(refused(empty, options(0)),
              testing::HasSubstr("without a token"));
  auto wild = options(0);
  wild.norm = std::numeric_limits<double>::infinity();
  EXPECT_THAT(refused(pairs(6), wild), testing::HasSubstr("step 1 of layer 0"));
}

}  // namespace
}  // namespace veer
