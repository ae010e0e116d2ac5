// SPDX-License-Identifier: MIT
//
// Tokenizers out of the metadata of GGUF files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/gguf/merges.h"
#include "veer/gguf/tokenizer.h"
#include "veer/text/tokenizer/tokenizer.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Metadata = std::vector<std::pair<std::string, GgufValue>>;

GgufValue texts(const std::vector<std::string>& list) {
  std::vector<GgufValue> values;
  for (const auto& text : list) {
    values.push_back(GgufValue::text(text));
  }
  return {GgufKind::kArray, values, GgufKind::kString};
}

GgufValue numbers(const std::vector<std::int64_t>& list) {
  std::vector<GgufValue> values;
  for (const auto number : list) {
    values.push_back({GgufKind::kI32, number});
  }
  return {GgufKind::kArray, values, GgufKind::kI32};
}

GgufValue reals(const std::vector<float>& list) {
  std::vector<GgufValue> values;
  for (const auto number : list) {
    values.push_back(GgufValue::f32(number));
  }
  return {GgufKind::kArray, values, GgufKind::kF32};
}

GgufModel model_of(const Metadata& metadata) {
  return GgufModel::of(parse_gguf(gguf_bytes(metadata, {}), "t.gguf"),
                       "t.gguf");
}

Tokenizer tokenizer_of(const Metadata& metadata) {
  return Tokenizer::from_json(gguf_tokenizer_json(model_of(metadata)),
                              "t.gguf");
}

// <s> </s>, "a" to "c", the digits 1 and 2, a space, "Ġa", "ĠĠ".
Metadata byte_level(const std::string& pre) {
  return {
      {"tokenizer.ggml.model", GgufValue::text("gpt2")},
      {"tokenizer.ggml.pre", GgufValue::text(pre)},
      {"tokenizer.ggml.tokens",
       texts({"<s>", "</s>", "a", "b", "c", "1", "2", "\u0120", "\u0120a",
              "\u0120\u0120", "12", "<call>"})},
      {"tokenizer.ggml.token_type",
       numbers({3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4})},
      {"tokenizer.ggml.merges", texts({"\u0120 a", "\u0120 \u0120", "1 2"})},
      {"tokenizer.ggml.bos_token_id", GgufValue::u32(0)},
      {"tokenizer.ggml.eos_token_id", GgufValue::u32(1)},
      {"tokenizer.chat_template", GgufValue::text("{{ bos_token }}")}};
}

TEST(TokenizerGguf, CutsAsItsNameSays) {
  // SmolLM takes each digit alone, so that spaces before one stay together.
  EXPECT_THAT(tokenizer_of(byte_level("smollm")).encode("  12", true),
              ElementsAre(9, 5, 6));
  EXPECT_THAT(tokenizer_of(byte_level("gpt-2")).encode("  12", true),
              ElementsAre(7, 7, 10));
  // Llama 3 begins a text with bos where the file does not say otherwise.
  EXPECT_THAT(tokenizer_of(byte_level("llama-bpe")).encode(" a", true),
              ElementsAre(0, 8));
  auto without = byte_level("llama-bpe");
  without.emplace_back("tokenizer.ggml.add_bos_token",
                       GgufValue{GgufKind::kBool, std::uint64_t{0}});
  without.emplace_back("tokenizer.ggml.add_eos_token",
                       GgufValue{GgufKind::kBool, std::uint64_t{1}});
  EXPECT_THAT(tokenizer_of(without).encode(" a", true), ElementsAre(8, 1));
}

TEST(TokenizerGguf, KnowsControlAndUserDefinedTokens) {
  const auto tokenizer = tokenizer_of(byte_level("qwen2"));
  EXPECT_THAT(tokenizer.encode("a<call></s>", false), ElementsAre(2, 11, 1));
  EXPECT_TRUE(tokenizer.is_special(1));
  EXPECT_FALSE(tokenizer.is_special(11));
  EXPECT_EQ(tokenizer.size(), 12);
  const std::string config =
      gguf_tokenizer_config_json(model_of(byte_level("qwen2")));
  EXPECT_THAT(config, HasSubstr("\"eos_token\": \"</s>\""));
  EXPECT_THAT(config, HasSubstr("{{ bos_token }}"));
}

Metadata sentence_piece() {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "<0x0A>"};
  std::vector<float> scores = {0, 0, 0, 0};
  std::vector<std::int64_t> types = {2, 3, 3, 6};
  const auto add = [&](const char* token, float score) {
    tokens.emplace_back(token);
    scores.push_back(score);
    types.push_back(1);
  };
  add("\u2581a", -1);   // 4
  add("ab", -2);        // 5
  add("\u2581ab", -3);  // 6
  add("\u2581", -10);   // 7
  add("a", -11);        // 8
  add("b", -12);        // 9
  return {{"tokenizer.ggml.model", GgufValue::text("llama")},
          {"tokenizer.ggml.tokens", texts(tokens)},
          {"tokenizer.ggml.scores", reals(scores)},
          {"tokenizer.ggml.token_type", numbers(types)},
          {"tokenizer.ggml.bos_token_id", GgufValue::u32(1)},
          {"tokenizer.ggml.unknown_token_id", GgufValue::u32(0)}};
}

TEST(TokenizerGguf, SentencePieceMergesByScore) {
  EXPECT_THAT(
      merges_of_scores({"a", "b", "c", "ab", "bc", "abc"}, {0, 0, 0, 2, 3, 1}),
      ElementsAre(std::pair("b", "c"), std::pair("a", "b"),
                  std::pair("ab", "c"), std::pair("a", "bc")));
  const auto tokenizer = tokenizer_of(sentence_piece());
  EXPECT_THAT(tokenizer.encode("ab b\n", true), ElementsAre(1, 6, 7, 9, 3));
  const std::vector<std::int32_t> ids = {1, 6, 7, 9, 3};
  EXPECT_EQ(tokenizer.decode(ids, true), "ab b\n");
  auto plain = sentence_piece();
  plain.emplace_back("tokenizer.ggml.add_space_prefix",
                     GgufValue{GgufKind::kBool, std::uint64_t{0}});
  EXPECT_THAT(tokenizer_of(plain).encode("ab", false), ElementsAre(5));
}

std::string refusal(Metadata metadata, const std::string& key,
                    const GgufValue& value) {
  std::erase_if(metadata,
                [&](const auto& entry) { return entry.first == key; });
  if (value.kind != GgufKind::kU64) {
    metadata.emplace_back(key, value);
  }
  try {
    tokenizer_of(metadata);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(TokenizerGguf, WhatItCannotRepeatIsRefusedByName) {
  const GgufValue none{GgufKind::kU64, std::uint64_t{0}};
  const auto says = [&](const std::string& key, const GgufValue& value,
                        const char* text) {
    EXPECT_THAT(refusal(byte_level("gpt-2"), key, value), HasSubstr(text))
        << key;
  };
  says("tokenizer.ggml.model", GgufValue::text("bert"), "is \"bert\"");
  says("tokenizer.ggml.model", none, "tokenizer.ggml.model is missing");
  says("tokenizer.ggml.pre", GgufValue::text("viking"),
       "is \"viking\"; expected one of gpt-2");
  says("tokenizer.ggml.pre", none, "tokenizer.ggml.pre is missing");
  says("tokenizer.ggml.merges", none, "merges is missing");
  says("tokenizer.ggml.merges", texts({"ab"}), "two tokens with a space");
  says("tokenizer.ggml.merges", texts({"x a"}), "not in the vocabulary");
  says("tokenizer.ggml.tokens", texts({"a", "a"}), "12 entries");
  says("tokenizer.ggml.tokens", numbers({1}), "holds what is no text");
  says("tokenizer.ggml.bos_token_id", GgufValue::u32(12), "an id below 12");
  EXPECT_THAT(refusal(sentence_piece(), "tokenizer.ggml.scores", reals({1.0F})),
              HasSubstr("has 1 entries"));
  EXPECT_THAT(refusal(sentence_piece(), "tokenizer.ggml.scores", none),
              HasSubstr("scores is missing"));
}

}  // namespace
}  // namespace veer
