// SPDX-License-Identifier: MIT
#include "veer/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/base/json.h"

namespace veer {
namespace {

using testing::HasSubstr;

// A small Llama with the keys of `changes`; null removes a key.
ModelConfig parsed(const std::string& changes) {
  Json json = parse_json(tiny_config_json(), "base");
  json.merge_patch(parse_json(changes, "changes"));
  return parse_model_config(dump_json(json), "config.json");
}

std::string refusal(const std::string& changes) {
  try {
    parsed(changes);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    return e.what();
  }
  return "accepted";
}

TEST(ModelConfig, RefusesWhatItDoesNotComputeByName) {
  EXPECT_THAT(refusal(R"({"model_type": "mamba"})"), HasSubstr("\"mamba\""));
  EXPECT_THAT(refusal(R"({"model_type": "mamba"})"), HasSubstr("llama"));
  EXPECT_THAT(refusal(R"({"model_type": null})"), HasSubstr("model_type"));
  EXPECT_THAT(
      refusal(R"({"architectures": ["LlamaForSequenceClassification"]})"),
      HasSubstr("LlamaForSequenceClassification"));
}

TEST(ModelConfig, RefusesKeysThatWouldChangeTheNumbers) {
  for (const char* change :
       {R"({"quantization_config": {"bits": 4}})", R"({"clip_qkv": 8.0})",
        R"({"embedding_multiplier": 12.0})", R"({"residual_multiplier": 0.2})",
        R"({"attention_multiplier": 0.1})", R"({"logits_scaling": 8.0})",
        R"({"no_rope_layers": [1, 0, 1]})", R"({"num_local_experts": 8})",
        R"({"num_experts": 8})", R"({"hidden_act": "relu2"})",
        R"({"use_bidirectional_attention": true})",
        R"({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}})",
        R"({"rope_parameters": {"rope_type": "default",
            "partial_rotary_factor": 0.5}})",
        R"({"layer_types": ["chunked_attention", "full_attention",
            "full_attention"]})",
        R"({"model_type": "mistral", "sliding_window": 8, "layer_types":
            ["full_attention", "sliding_attention", "sliding_attention"]})",
        R"({"is_causal": false})", R"({"per_layer_config": {"0": {}}})",
        R"({"partial_rotary_factor": 0.5,
            "rope_scaling": {"rope_type": "linear", "factor": 2.0}})",
        R"({"rope_parameters": {"full_attention": {"rope_theta": 10.0}}})"}) {
    EXPECT_NE(refusal(change), "accepted") << change;
    EXPECT_THAT(refusal(change), HasSubstr("config.json")) << change;
  }
}

TEST(ModelConfig, RefusesAbsurdSizes) {
  for (const char* change : {R"({"vocab_size": 1e18})",
                             R"({"vocab_size": 99999999999})",
                             R"({"hidden_size": -1})",
                             R"({"hidden_size": 0})",
                             R"({"hidden_size": 1000000000})",
                             R"({"intermediate_size": 4294967296})",
                             R"({"num_hidden_layers": 1000000000})",
                             R"({"num_hidden_layers": 0})",
                             R"({"num_attention_heads": 0})",
                             R"({"num_attention_heads": 2.5})",
                             R"({"num_attention_heads": "4"})",
                             R"({"num_key_value_heads": 3})",
                             R"({"num_key_value_heads": 0})",
                             R"({"head_dim": 7})",
                             R"({"head_dim": 1000000})",
                             R"({"rms_norm_eps": -1.0})",
                             R"({"rope_theta": 0.0})",
                             R"({"rope_theta": 1e300})",
                             R"({"max_position_embeddings": -5})",
                             R"({"hidden_size": null})",
                             R"({"vocab_size": null})"}) {
    EXPECT_NE(refusal(change), "accepted") << change;
  }
}

TEST(ModelConfig, BothGenerationsOfKeysSayTheSame) {
  const ModelConfig older = parsed(
      R"({"rope_theta": 500000.0, "torch_dtype": "bfloat16", "rope_scaling":
          {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
           "high_freq_factor": 4.0, "original_max_position_embeddings": 16}})");
  const ModelConfig newer = parsed(
      R"({"dtype": "bfloat16", "rope_parameters":
          {"rope_theta": 500000.0, "rope_type": "llama3", "factor": 8.0,
           "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 16}})");
  for (const ModelConfig& config : {older, newer}) {
    EXPECT_EQ(config.rope.type, "llama3");
    EXPECT_EQ(config.rope.theta, 500000.0);
    EXPECT_EQ(config.rope.factor, 8.0);
    EXPECT_EQ(config.rope.original_max_positions, 16);
    EXPECT_EQ(config.stored_dtype, "bfloat16");
  }
}

TEST(ModelConfig, AMissingWindowIsTheMakersAndNullIsNone) {
  const std::string mistral = R"({"model_type": "mistral")";
  EXPECT_EQ(parsed(mistral + "}").sliding_window, 4096);
  EXPECT_EQ(parsed(mistral + R"(, "sliding_window": 7})").sliding_window, 7);
  Json json = parse_json(tiny_config_json(R"(, "sliding_window": null)"), "");
  json["model_type"] = "mistral";
  const ModelConfig none = parse_model_config(dump_json(json), "config.json");
  EXPECT_EQ(none.sliding_window, 0);
  EXPECT_EQ(none.layer_kinds[0], LayerKind::kFull);
}

// transformers takes a null for "not causal".
TEST(ModelConfig, ANullIsCausalIsRefused) {
  EXPECT_THROW(
      parse_model_config(tiny_config_json(R"(, "is_causal": null)"), "c"),
      Error);
  EXPECT_NO_THROW(parsed(R"({"is_causal": true})"));
}

TEST(ModelConfig, KeysOfAnotherFamilyMeanNothing) {
  const std::string foreign =
      R"({"attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0,
          "query_pre_attn_scalar": 7, "sliding_window_pattern": 1,
          "rope_local_base_freq": 50.0, "hidden_activation": "gelu",
          "model_type": )";
  for (const char* type : {"llama", "mistral", "qwen2", "phi3", "olmo2"}) {
    const auto config = parsed(foreign + "\"" + type + "\"}");
    EXPECT_EQ(config.attention_softcap, 0.0) << type;
    EXPECT_EQ(config.logit_softcap, 0.0) << type;
    EXPECT_EQ(config.attention_scale, 0.0) << type;
    EXPECT_EQ(config.activation, Activation::kSilu) << type;
    EXPECT_FALSE(config.sliding_rope) << type;
  }
  const auto gemma = parsed(foreign + R"("gemma2"})");
  EXPECT_EQ(gemma.attention_softcap, 5.0);
  EXPECT_EQ(gemma.logit_softcap, 3.0);
  EXPECT_EQ(gemma.layer_kinds[0], LayerKind::kSliding);
  const auto gemma3 = parsed(foreign + R"("gemma3_text"})");
  EXPECT_EQ(gemma3.layer_kinds[0], LayerKind::kFull);
  EXPECT_EQ(gemma3.attention_softcap, 0.0);
  EXPECT_EQ(gemma3.logit_softcap, 3.0);
}

// Values are what transformers 5.24 makes of the same keys.
TEST(ModelConfig, LongRopeTakesLengthAndFactorWhereTransformersDoes) {
  const std::string factors =
      R"("short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2])";
  const auto rope = [&](const std::string& type, const std::string& inside,
                        const std::string& above) {
    return parsed(R"({"model_type": ")" + type + R"(", "rope_scaling":
        {"type": "longrope", )" +
                  factors + inside + "}" + above + "}")
        .rope;
  };
  const std::string inner = R"(, "original_max_position_embeddings": 16)";
  const std::string outer = R"(, "original_max_position_embeddings": 32)";
  EXPECT_EQ(rope("phi3", "", "").original_max_positions, 4096);
  EXPECT_EQ(rope("phi3", inner, "").original_max_positions, 4096);
  EXPECT_EQ(rope("phi3", inner, outer).original_max_positions, 32);
  EXPECT_EQ(rope("llama", inner, "").original_max_positions, 16);
  EXPECT_EQ(rope("llama", inner, outer).original_max_positions, 32);
  EXPECT_EQ(rope("llama", "", "").original_max_positions, 64);
  EXPECT_EQ(rope("phi3", "", outer).factor, 2.0);
  EXPECT_EQ(rope("phi3", R"(, "factor": 5.0)", outer).factor, 5.0);
}

TEST(ModelConfig, AnAttentionFactorBelongsToYarnAndLongRope) {
  const auto config = parsed(
      R"({"rope_scaling": {"rope_type": "linear", "factor": 2.0,
          "attention_factor": 0.7}})");
  EXPECT_EQ(config.rope.attention_factor, 0.0);
}

TEST(ModelConfig, Gemma3ReadsOneRopeForEachKindOfLayer) {
  const auto config = parsed(
      R"({"model_type": "gemma3_text", "rope_parameters": {"full_attention":
          {"rope_theta": 77.0}, "sliding_attention": {"rope_theta": 11.0}},
          "rope_scaling": {"rope_type": "linear", "factor": 8.0}})");
  EXPECT_EQ(config.rope.type, "linear");
  EXPECT_EQ(config.rope.theta, 77.0);
  EXPECT_EQ(config.sliding_rope->type, "default");
  EXPECT_EQ(config.sliding_rope->theta, 11.0);
  // transformers reads neither of these.
  EXPECT_NE(refusal(R"({"model_type": "gemma3_text", "rope_parameters":
                        {"rope_type": "linear", "factor": 8.0}})"),
            "accepted");
  EXPECT_NE(refusal(R"({"model_type": "gemma3_text", "rope_scaling":
                        {"type": "linear", "factor": 8.0}})"),
            "accepted");
}

TEST(ModelConfig, TheModelAroundGemma3TiesAndDoesNotCapItsLogits) {
  Json text = parse_json(tiny_config_json(), "base");
  text["model_type"] = "gemma3_text";
  text["final_logit_softcapping"] = 5.0;
  text["tie_word_embeddings"] = false;
  Json outer = {{"model_type", "gemma3"}, {"text_config", text}};
  auto config = parse_model_config(dump_json(outer), "config.json");
  EXPECT_TRUE(config.tied_head);
  EXPECT_EQ(config.logit_softcap, 0.0);
  outer["tie_word_embeddings"] = false;
  config = parse_model_config(dump_json(outer), "config.json");
  EXPECT_FALSE(config.tied_head);
}

TEST(ModelConfig, AMissingLengthIsTheFamilys) {
  EXPECT_EQ(parsed(R"({"max_position_embeddings": null})").max_positions, 2048);
  EXPECT_EQ(parsed(R"({"model_type": "qwen2",
                       "max_position_embeddings": null})")
                .max_positions,
            32768);
}

// Python's json module writes them.
TEST(ModelConfig, InfinityMattersOnlyInAKeyThatIsRead) {
  EXPECT_EQ(parse_model_config(
                tiny_config_json(R"(, "time_step_limit": [0.0, Infinity],
                                   "other": NaN, "third": -Infinity)"),
                "config.json")
                .num_layers,
            3);
  EXPECT_THROW(
      parse_model_config(tiny_config_json(R"(, "rope_theta": Infinity)"), "c"),
      Error);
}

}  // namespace
}  // namespace veer
