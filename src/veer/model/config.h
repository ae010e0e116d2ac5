// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

// Rotary embedding of one kind of layer.
struct RopeConfig {
  std::string type = "default";  // default linear llama3 longrope yarn
  double theta = 10000.0;
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  std::int64_t original_max_positions = 0;
  double partial_rotary_factor = 1.0;
  double attention_factor = 0.0;  // 0 = the type's default
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  bool truncate = true;
  std::vector<double> short_factor;
  std::vector<double> long_factor;
};

enum class LayerKind { kFull, kSliding };
enum class Activation { kSilu, kGeluTanh, kGelu };

// What a norm multiplies x / rms(x) with, and what is rounded to the model's
// dtype. In fp32 the first two are the same.
enum class RmsNormKind {
  kRounded,  // w * round(x / rms)
  kWide,     // round(w * x / rms) (OLMo 2)
  kPlusOne,  // round((1 + w) * x / rms) (Gemma)
};

// A family is data: what differs between Llama and its relatives. The forward
// pass reads these fields and never asks for a name.
struct FamilyTraits {
  bool qkv_bias = false;
  bool o_bias = false;
  bool mlp_bias = false;
  bool qk_norm = false;        // RMSNorm on q and k before RoPE
  bool qk_norm_whole = false;  // over all heads at once (OLMo 2)
  bool pre_norms = true;       // norms before attention and feed-forward
  bool post_norms = false;     // norms on what each part adds
  RmsNormKind norm = RmsNormKind::kRounded;
  bool fused_qkv = false;          // one qkv_proj (Phi-3)
  bool fused_gate_up = false;      // one gate_up_proj (Phi-3)
  bool scaled_embeddings = false;  // times sqrt(width), rounded to the dtype
};

struct ModelConfig {
  std::string model_type;  // "llama"
  FamilyTraits traits;
  std::int64_t vocab_size = 0;
  std::int64_t width = 0;         // D, hidden_size
  std::int64_t feed_forward = 0;  // F, intermediate_size
  std::int64_t num_layers = 0;    // L
  std::int64_t num_heads = 0;     // Q
  std::int64_t num_kv_heads = 0;  // K
  std::int64_t head_width = 0;    // H
  double norm_eps = 1e-5;
  bool tied_head = false;
  Activation activation = Activation::kSilu;
  double attention_scale = 0.0;            // 0 = 1 / sqrt(H)
  double attention_softcap = 0.0;          // 0 = none
  double logit_softcap = 0.0;              // 0 = none
  std::int64_t sliding_window = 0;         // tokens a sliding layer sees
  std::vector<LayerKind> layer_kinds;      // one per layer
  RopeConfig rope;                         // full-attention layers
  std::optional<RopeConfig> sliding_rope;  // where those differ
  std::int64_t max_positions = 0;
  std::vector<std::int64_t> eos_ids;
  std::optional<std::int64_t> bos_id;
  std::string stored_dtype;  // "bfloat16", "" = not stated
};

// Reads a config.json of either generation (rope_scaling or rope_parameters,
// torch_dtype or dtype). Throws Error on an unknown architecture, a missing
// or mistyped key, an absurd size, and a key that would change the numbers
// and is not supported.
ModelConfig parse_model_config(std::string_view json, std::string_view origin);

}  // namespace veer
