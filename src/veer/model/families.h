// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "veer/model/config.h"

namespace veer {

// Which layers see only the last `sliding_window` tokens, when the config
// does not list them (layer_types).
enum class SlidingRule {
  kNever,        // the key sliding_window is ignored
  kAll,          // every layer, if sliding_window is set (Mistral, Phi-3)
  kFromLayer,    // from max_window_layers on, if use_sliding_window (Qwen)
  kAllButEvery,  // all but every n-th (Gemma: 2, Gemma 3: 6)
};

// How a family's config.json is read: what its keys mean where they are
// missing. What the forward pass does lies in `traits`.
struct Family {
  std::string_view model_type;
  std::string_view architecture;
  FamilyTraits traits;
  // Whether attention_bias (on q, k, v, o) and mlp_bias are read.
  bool reads_attention_bias = false;
  bool reads_mlp_bias = false;
  std::int64_t head_width = 0;  // default of head_dim, 0 = width / heads
  bool tied_head = false;       // default of tie_word_embeddings
  double norm_eps = 1e-6;
  std::string_view activation_key = "hidden_act";
  std::string_view activation = "silu";
  SlidingRule sliding = SlidingRule::kNever;
  std::int64_t sliding_window = 0;  // default of that key where it is missing
  std::int64_t full_every = 0;      // kAllButEvery
  bool reads_pattern = false;       // sliding_window_pattern sets full_every
  bool scales_by_key = false;       // query_pre_attn_scalar
  bool caps_attention = false;      // reads attn_logit_softcapping
  bool caps_logits = false;         // reads final_logit_softcapping
  double attention_softcap = 0.0;   // default of the first key
  double logit_softcap = 0.0;       // default of the second
  double rope_theta = 10000.0;
  double sliding_rope_theta = 0.0;    // 0 = sliding layers share the rope
  bool partial_rotary = false;        // reads partial_rotary_factor
  std::int64_t max_positions = 2048;  // default of max_position_embeddings
  // Default of the top-level original_max_position_embeddings, which wins
  // over the rope's own; 0 = the rope's own is taken where that is missing.
  std::int64_t original_max_positions = 0;
};

// All families that the forward pass can compute.
std::span<const Family> families();

}  // namespace veer
