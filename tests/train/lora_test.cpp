// SPDX-License-Identifier: MIT
#include "veer/train/lora.h"

#include <cmath>

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

const LinearLayers kLayers = {
    {"model.layers.0.self_attn.q_proj", {4, 6}},
    {"model.layers.0.mlp.down_proj", {6, 16}},
    {"model.layers.1.self_attn.q_proj", {4, 6}},
    {"model.layers.1.mlp.down_proj", {6, 16}},
};

LoraOptions options_of(std::vector<std::string> modules) {
  LoraOptions options;
  options.rank = 2;
  options.alpha = 8.0;
  options.modules = std::move(modules);
  return options;
}

TEST(Lora, StartsAsPeftDoes) {
  const auto adapter =
      make_adapter(kLayers, options_of({"q_proj", "down_proj"}), Random(1));
  ASSERT_EQ(adapter.pairs.size(), 4u);
  const auto& pair = adapter.pairs.at("model.layers.1.mlp.down_proj");
  EXPECT_EQ(pair.A_RI.sizes(), (at::IntArrayRef{2, 16}));
  EXPECT_EQ(pair.B_OR.sizes(), (at::IntArrayRef{6, 2}));
  EXPECT_EQ(pair.B_OR.abs().max().item<float>(), 0.0F);
  EXPECT_LE(pair.A_RI.abs().max().item<float>(), 0.25F);
  EXPECT_GT(pair.A_RI.abs().max().item<float>(), 0.15F);
  EXPECT_TRUE(pair.A_RI.requires_grad());
  EXPECT_DOUBLE_EQ(pair.scale, 4.0);
}

TEST(Lora, RankStabilisedScaleDividesByTheRoot) {
  auto options = options_of({"q_proj"});
  options.rslora = true;
  const auto adapter = make_adapter(kLayers, options, Random(1));
  EXPECT_DOUBLE_EQ(adapter.pairs.begin()->second.scale, 8.0 / std::sqrt(2.0));
}

TEST(Lora, ChoosesLayers) {
  auto options = options_of({"q_proj"});
  options.layers = {1};
  const auto adapter = make_adapter(kLayers, options, Random(1));
  ASSERT_EQ(adapter.pairs.size(), 1u);
  EXPECT_TRUE(adapter.pairs.contains("model.layers.1.self_attn.q_proj"));
}

TEST(Lora, FusedMatricesCountAsTheirParts) {
  const LinearLayers fused = {{"model.layers.0.self_attn.qkv_proj", {12, 6}},
                              {"model.layers.0.mlp.gate_up_proj", {32, 6}}};
  const auto options =
      options_of({"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"});
  EXPECT_EQ(make_adapter(fused, options, Random(1)).pairs.size(), 2u);
}

TEST(Lora, SameSeedSameFactors) {
  const auto one = make_adapter(kLayers, options_of({"q_proj"}), Random(3));
  const auto two = make_adapter(kLayers, options_of({"q_proj"}), Random(3));
  for (const auto& [path, pair] : one.pairs) {
    EXPECT_TRUE(at::equal(pair.A_RI, two.pairs.at(path).A_RI));
  }
}

TEST(Lora, RefusesWhatFitsNothing) {
  EXPECT_THROW(make_adapter(kLayers, options_of({"w_proj"}), Random(1)), Error);
  EXPECT_THROW(make_adapter(kLayers, options_of({}), Random(1)), Error);
  auto options = options_of({"q_proj"});
  options.layers = {2};
  EXPECT_THROW(make_adapter(kLayers, options, Random(1)), Error);
  options = options_of({"q_proj"});
  options.rank = 0;
  EXPECT_THROW(make_adapter(kLayers, options, Random(1)), Error);
  options.rank = 2;
  options.dropout = 1.0;
  EXPECT_THROW(make_adapter(kLayers, options, Random(1)), Error);
}

}  // namespace
}  // namespace veer
