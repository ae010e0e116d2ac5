// SPDX-License-Identifier: MIT
#include "veer/model/families.h"

#include <array>

namespace veer {
namespace {

constexpr FamilyTraits kGemmaTraits{.post_norms = true,
                                    .norm = RmsNormKind::kPlusOne,
                                    .scaled_embeddings = true};

constexpr FamilyTraits with_qk_norm(FamilyTraits traits) {
  traits.qk_norm = true;
  return traits;
}

constexpr std::array kFamilies{
    Family{.model_type = "llama",
           .architecture = "LlamaForCausalLM",
           .reads_attention_bias = true,
           .reads_mlp_bias = true},
    Family{.model_type = "mistral",
           .architecture = "MistralForCausalLM",
           .sliding = SlidingRule::kAll,
           .sliding_window = 4096,
           .max_positions = 131072},
    Family{.model_type = "qwen2",
           .architecture = "Qwen2ForCausalLM",
           .traits = {.qkv_bias = true},
           .sliding = SlidingRule::kFromLayer,
           .sliding_window = 4096,
           .max_positions = 32768},
    Family{.model_type = "qwen3",
           .architecture = "Qwen3ForCausalLM",
           .traits = {.qk_norm = true},
           .reads_attention_bias = true,
           .head_width = 128,
           .sliding = SlidingRule::kFromLayer,
           .sliding_window = 4096,
           .max_positions = 32768},
    Family{.model_type = "gemma2",
           .architecture = "Gemma2ForCausalLM",
           .traits = kGemmaTraits,
           .reads_attention_bias = true,
           .head_width = 256,
           .tied_head = true,
           .activation_key = "hidden_activation",
           .activation = "gelu_pytorch_tanh",
           .sliding = SlidingRule::kAllButEvery,
           .sliding_window = 4096,
           .full_every = 2,
           .scales_by_key = true,
           .caps_attention = true,
           .caps_logits = true,
           .attention_softcap = 50.0,
           .logit_softcap = 30.0,
           .max_positions = 8192},
    Family{.model_type = "gemma3_text",
           .architecture = "Gemma3ForCausalLM",
           .traits = with_qk_norm(kGemmaTraits),
           .reads_attention_bias = true,
           .head_width = 256,
           .tied_head = true,
           .activation_key = "hidden_activation",
           .activation = "gelu_pytorch_tanh",
           .sliding = SlidingRule::kAllButEvery,
           .sliding_window = 4096,
           .full_every = 6,
           .reads_pattern = true,
           .scales_by_key = true,
           .caps_logits = true,
           .rope_theta = 1e6,
           .sliding_rope_theta = 1e4,
           .max_positions = 131072},
    Family{.model_type = "phi3",
           .architecture = "Phi3ForCausalLM",
           .traits = {.fused_qkv = true, .fused_gate_up = true},
           .norm_eps = 1e-5,
           .sliding = SlidingRule::kAll,
           .partial_rotary = true,
           .max_positions = 4096,
           .original_max_positions = 4096},
    Family{.model_type = "olmo2",
           .architecture = "Olmo2ForCausalLM",
           .traits = {.qk_norm = true,
                      .qk_norm_whole = true,
                      .pre_norms = false,
                      .post_norms = true,
                      .norm = RmsNormKind::kWide},
           .reads_attention_bias = true,
           .norm_eps = 1e-5},
};

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

}  // namespace veer
