// SPDX-License-Identifier: MIT
#include "veer/train/adapter_config.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

// A configuration with further keys.
AdapterConfig config(const std::string& keys) {
  return AdapterConfig::parse(R"({"peft_type":"LORA","r":4,"lora_alpha":8)" +
                                  (keys.empty() ? "" : "," + keys) + "}",
                              "c.json");
}

const char* const kQ1 = "model.layers.1.self_attn.q_proj";
const char* const kUp2 = "model.layers.2.mlp.up_proj";

TEST(AdapterConfig, HasPeftsDefaults) {
  const auto c = AdapterConfig::parse(R"({"peft_type":"LORA"})", "c.json");
  EXPECT_EQ(c.info().rank, 8);
  EXPECT_EQ(c.info().alpha, 8.0);
  EXPECT_FALSE(c.info().rslora);
  EXPECT_EQ(c.targets(kQ1), std::nullopt);
}

TEST(AdapterConfig, ListsMatchWholeNamesAtTheEnd) {
  const auto c = config(R"("target_modules":["q_proj","2.mlp.up_proj"])");
  EXPECT_EQ(c.targets(kQ1), true);
  EXPECT_EQ(c.targets(kUp2), true);
  EXPECT_EQ(c.targets("model.layers.1.mlp.up_proj"), false);
  EXPECT_EQ(c.targets("model.layers.1.self_attn.xq_proj"), false);
}

TEST(AdapterConfig, StringsAreFullPatterns) {
  EXPECT_EQ(config(R"("target_modules":".*\\.q_proj")").targets(kQ1), true);
  EXPECT_EQ(config(R"("target_modules":"q_proj")").targets(kQ1), false);
  EXPECT_EQ(config(R"("target_modules":"all-linear")").targets(kUp2), true);
}

TEST(AdapterConfig, ExcludedModulesWin) {
  const auto c = config(
      R"("target_modules":["q_proj","up_proj"],"exclude_modules":".*\\.2\\..*")");
  EXPECT_EQ(c.targets(kQ1), true);
  EXPECT_EQ(c.targets(kUp2), false);
}

TEST(AdapterConfig, LayersNarrowShortNamesOnly) {
  const auto list = config(
      R"("target_modules":["q_proj","up_proj"],"layers_to_transform":[1])");
  EXPECT_EQ(list.targets(kQ1), true);
  EXPECT_EQ(list.targets(kUp2), false);
  const auto one = config(
      R"("target_modules":["up_proj"],"layers_to_transform":2,"layers_pattern":"layers")");
  EXPECT_EQ(one.targets(kUp2), true);
  const auto other = config(
      R"("target_modules":["up_proj"],"layers_to_transform":2,"layers_pattern":["h"])");
  EXPECT_EQ(other.targets(kUp2), false);
  const auto whole = config(
      R"("target_modules":["model.layers.2.mlp.up_proj"],"layers_to_transform":[1])");
  EXPECT_EQ(whole.targets(kUp2), true);
}

TEST(AdapterConfig, FirstPatternDecidesRankAndAlpha) {
  const auto c =
      config(R"("rank_pattern":{"layers.1.self_attn.q_proj":16,".*q_proj":2},)"
             R"("alpha_pattern":{"q_proj":32},"use_rslora":true)");
  EXPECT_EQ(c.rank(kQ1), 16);
  EXPECT_EQ(c.rank("model.layers.3.self_attn.q_proj"), 2);
  EXPECT_EQ(c.rank(kUp2), 4);
  EXPECT_DOUBLE_EQ(c.scale(kQ1), 32.0 / 4.0);
  EXPECT_DOUBLE_EQ(c.scale(kUp2), 8.0 / 2.0);
}

TEST(AdapterConfig, RefusesOtherMethodsByTheirKey) {
  for (const char* key :
       {R"("use_qalora":true)", R"("layer_replication":[[0,1]])",
        R"("target_parameters":["x"])", R"("alora_invocation_tokens":[1])",
        R"("kasa_config":{"a":2})", R"("some_new_config":{"a":1})",
        R"("bias":"some")", R"("init_lora_weights":"pissa_niter_16")",
        R"("init_lora_weights":"corda")", R"("init_lora_weights":"lora_ga")",
        R"("init_lora_weights":"loftq")", R"("init_lora_weights":"new")",
        R"("trainable_token_indices":[1,1])",
        R"("trainable_token_indices":[-1])",
        R"("trainable_token_indices":{"embed_tokens":"x"})",
        R"("trainable_token_indices":7)"}) {
    const std::string text = key;
    const std::string name = text.substr(1, text.find('"', 1) - 1);
    try {
      config(text);
      FAIL() << key;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr(name));
    }
  }
}

TEST(AdapterConfig, AcceptsTheSameKeysWhenTheyAreEmpty) {
  EXPECT_NO_THROW(config(
      R"("use_dora":false,"loftq_config":{},"eva_config":null,"modules_to_save":[],)"
      R"("layer_replication":null,"init_lora_weights":"gaussian","bias":"none",)"
      R"("qalora_group_size":16,"megatron_core":"megatron.core")"));
}

TEST(AdapterConfig, KnowsTheKindsOfAdapter) {
  const auto plain = config("");
  EXPECT_EQ(plain.start(), AdapterStart::kPlain);
  EXPECT_FALSE(plain.dora() || plain.lora_bias() || plain.saves("lm_head"));
  const auto c = config(
      R"("use_dora":true,"lora_bias":true,"bias":"lora_only",)"
      R"("modules_to_save":["embed_tokens","mlp"],"fan_in_fan_out":true,)"
      R"("init_lora_weights":"pissa","eva_config":{"rho":2})");
  EXPECT_TRUE(c.dora() && c.lora_bias());
  EXPECT_EQ(c.start(), AdapterStart::kPissa);
  EXPECT_TRUE(c.saves("model.embed_tokens"));
  EXPECT_FALSE(c.saves("lm_head"));
  EXPECT_EQ(config(R"("init_lora_weights":"OLoRA")").start(),
            AdapterStart::kOlora);
  EXPECT_EQ(config(R"("init_lora_weights":"mica")").start(),
            AdapterStart::kPlain);
}

TEST(AdapterConfig, TokensAreTheEmbeddingsOrNamed) {
  const auto list = config(R"("trainable_token_indices":[5,3])");
  EXPECT_THAT(list.tokens("model.embed_tokens"), ::testing::ElementsAre(5, 3));
  EXPECT_THAT(list.tokens("lm_head"), ::testing::IsEmpty());
  const auto named = config(R"("trainable_token_indices":{"lm_head":[1]})");
  EXPECT_THAT(named.tokens("lm_head"), ::testing::ElementsAre(1));
}

TEST(AdapterConfig, HeadAndEmbeddingAreTargetedByName) {
  EXPECT_EQ(config(R"("target_modules":"all-linear")").targets("lm_head"),
            false);
  const auto c = config(R"("target_modules":["lm_head","embed_tokens"])");
  EXPECT_EQ(c.targets("lm_head"), true);
  EXPECT_EQ(c.targets("model.embed_tokens"), true);
  // PEFT then names the embedding alone.
  const auto tied = config(
      R"("target_modules":["model.embed_tokens"],"ensure_weight_tying":true)");
  EXPECT_EQ(tied.targets("lm_head"), true);
}

TEST(AdapterConfig, RefusesWrongTypes) {
  for (const char* key :
       {R"("r":0)", R"("r":1.5)", R"("r":"8")", R"("lora_alpha":"x")",
        R"("target_modules":[1])", R"("target_modules":{"a":1})",
        R"("rank_pattern":[1])", R"("rank_pattern":{"a":-1})",
        R"("layers_to_transform":[-1])", R"("layers_to_transform":"1")",
        R"("use_rslora":1)", R"("peft_type":"IA3")"}) {
    EXPECT_THROW(config(key), Error) << key;
  }
  EXPECT_THROW(AdapterConfig::parse("[]", "c"), Error);
  EXPECT_THROW(AdapterConfig::parse("{}", "c"), Error);
  EXPECT_THROW(AdapterConfig::parse("{", "c"), Error);
  EXPECT_THROW(config(R"("target_modules":"(")").targets(kQ1), Error);
}

}  // namespace
}  // namespace veer
