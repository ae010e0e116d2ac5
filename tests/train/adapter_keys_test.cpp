// SPDX-License-Identifier: MIT
#include "veer/train/adapter_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

AdapterKey key(const std::string& name) {
  return parse_adapter_key("base_model.model." + name, "file");
}

const std::string kQ = "model.layers.0.self_attn.q_proj";

TEST(AdapterKeys, PartAndPathOfEachName) {
  const std::pair<const char*, AdapterPart> parts[] = {
      {".lora_A.weight", AdapterPart::kA},
      {".lora_B.weight", AdapterPart::kB},
      {".lora_B.bias", AdapterPart::kBias},
      {".lora_embedding_A", AdapterPart::kEmbeddingA},
      {".lora_embedding_B", AdapterPart::kEmbeddingB},
      {".lora_magnitude_vector", AdapterPart::kMagnitude},
      {".token_adapter.trainable_tokens_delta", AdapterPart::kTokens}};
  for (const auto& [suffix, part] : parts) {
    const auto read = key(kQ + suffix);
    EXPECT_EQ(read.part, part) << suffix;
    EXPECT_EQ(read.path, kQ) << suffix;
    EXPECT_EQ(read.adapter, "") << suffix;
    EXPECT_EQ(adapter_key_name(read), "base_model.model." + kQ + suffix);
  }
}

TEST(AdapterKeys, TheAdaptersNameMayStandInThem) {
  for (const char* suffix :
       {".lora_A.mine.weight", ".lora_B.mine.bias", ".lora_embedding_A.mine",
        ".lora_magnitude_vector.mine", ".lora_magnitude_vector.mine.weight",
        ".token_adapter.trainable_tokens_delta.mine"}) {
    const auto read = key(kQ + suffix);
    EXPECT_EQ(read.path, kQ) << suffix;
    EXPECT_EQ(read.adapter, "mine") << suffix;
  }
  EXPECT_EQ(key(kQ + ".lora_magnitude_vector.weight").adapter, "");
}

TEST(AdapterKeys, WeightsAreTheirOwnNames) {
  const auto plain = key("model.norm.weight");
  EXPECT_EQ(plain.part, AdapterPart::kWeight);
  EXPECT_EQ(plain.path, "model.norm.weight");
  EXPECT_FALSE(plain.wrapped);
  const auto layer = key(kQ + ".base_layer.bias");
  EXPECT_EQ(layer.path, kQ + ".bias");
  EXPECT_TRUE(layer.wrapped);
  EXPECT_EQ(adapter_key_name(layer),
            "base_model.model." + kQ + ".base_layer.bias");
  EXPECT_EQ(key("model.embed_tokens.token_adapter.base_layer.weight").path,
            "model.embed_tokens.weight");
  EXPECT_EQ(key("lm_head.base_layer.token_adapter.base_layer.weight").path,
            "lm_head.weight");
  EXPECT_EQ(
      key("lm_head.base_layer.token_adapter.trainable_tokens_delta.one").path,
      "lm_head");
  const auto own = key("lm_head.modules_to_save.mine.weight");
  EXPECT_EQ(own.part, AdapterPart::kOwnWeight);
  EXPECT_EQ(own.path, "lm_head.weight");
  EXPECT_EQ(own.adapter, "mine");
  EXPECT_EQ(key("lm_head.original_module.weight").part, AdapterPart::kOriginal);
}

TEST(AdapterKeys, OthersAreRefused) {
  for (const char* name :
       {"weight", "", "model.x", "base_layer.weight",
        "base_layer.lora_A.weight", "lora_A.weight", "model.q.lora_A",
        "model.q.lora_A.a.b.weight", "model.q.lora_A.bias",
        "model.q.lora_C.weight", "model.q.trainable_tokens_delta",
        "model.q.lora_velora_embed.default"}) {
    EXPECT_THROW(key(name), Error) << name;
  }
  EXPECT_THROW(parse_adapter_key("model.q.lora_A.weight", "file"), Error);
}

}  // namespace
}  // namespace veer
