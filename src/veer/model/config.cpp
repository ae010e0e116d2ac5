// SPDX-License-Identifier: MIT
#include "veer/model/config.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/python_json.h"
#include "veer/base/text_distance.h"
#include "veer/model/config_reader.h"
#include "veer/model/config_rope.h"
#include "veer/model/families.h"

namespace veer {
namespace {

// Limits far above any model that exists; beyond them a file is broken or
// hostile, and sizes multiply.
constexpr std::int64_t kMaxVocabulary = 1 << 22;
constexpr std::int64_t kMaxWidth = 1 << 17;
constexpr std::int64_t kMaxFeedForward = 1 << 20;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxHeads = 1024;
constexpr std::int64_t kMaxHeadWidth = 1024;
constexpr std::int64_t kMaxPositions = std::int64_t{1} << 40;

std::string known_families() {
  std::string names;
  for (const Family& family : families()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", family.model_type);
  }
  return names;
}

const Family& find_family(const ConfigReader& reader) {
  const auto architectures = reader.strings("architectures");
  const std::string type = reader.string("model_type", "");
  for (const Family& family : families()) {
    const bool by_type = family.model_type == type;
    const bool by_name = type.empty() && !architectures.empty() &&
                         architectures[0] == family.architecture;
    if (!by_type && !by_name) {
      continue;
    }
    // A folder without a causal head is another model.
    if (!architectures.empty() && architectures[0] != family.architecture &&
        !architectures[0].starts_with("Gemma3")) {
      reader.refuse("architectures", fmt::format("is {}", architectures[0]),
                    std::string(family.architecture),
                    "a head that does not predict the next token");
    }
    return family;
  }
  reader.refuse(
      "model_type",
      fmt::format("is \"{}\"{}", type,
                  architectures.empty() ? "" : " (" + architectures[0] + ")"),
      "one of " + known_families(),
      "an architecture that Veer does not compute");
}

Activation parse_activation(const ConfigReader& reader, const Family& family) {
  const std::string key(family.activation_key);
  const std::string name = reader.string(key, family.activation);
  if (name == "silu" || name == "swish") {
    return Activation::kSilu;
  }
  if (name == "gelu_pytorch_tanh" || name == "gelu_new") {
    return Activation::kGeluTanh;
  }
  if (name == "gelu") {
    return Activation::kGelu;
  }
  reader.refuse(key, fmt::format("is \"{}\"", name),
                "silu, gelu or gelu_pytorch_tanh");
}

void parse_sizes(const ConfigReader& reader, const Family& family,
                 ModelConfig& config) {
  config.vocab_size = reader.integer("vocab_size", 1, kMaxVocabulary);
  config.width = reader.integer("hidden_size", 1, kMaxWidth);
  config.feed_forward = reader.integer("intermediate_size", 1, kMaxFeedForward);
  config.num_layers = reader.integer("num_hidden_layers", 1, kMaxLayers);
  config.num_heads = reader.integer("num_attention_heads", 1, kMaxHeads);
  config.num_kv_heads =
      reader.integer("num_key_value_heads", 1, kMaxHeads, config.num_heads);
  if (config.num_heads % config.num_kv_heads != 0) {
    reader.refuse("num_key_value_heads",
                  fmt::format("is {}", config.num_kv_heads),
                  fmt::format("a divisor of the {} heads", config.num_heads));
  }
  const std::int64_t derived = config.width / config.num_heads;
  config.head_width =
      reader.integer("head_dim", 1, kMaxHeadWidth,
                     family.head_width > 0 ? family.head_width : derived);
  if (config.head_width < 2 || config.head_width % 2 != 0 ||
      config.head_width > kMaxHeadWidth) {
    reader.refuse("head_dim", fmt::format("is {}", config.head_width),
                  "an even number that the rotary embedding can split");
  }
  config.max_positions = reader.integer("max_position_embeddings", 1,
                                        kMaxPositions, family.max_positions);
}

LayerKind parse_layer_kind(const ConfigReader& reader,
                           const std::string& name) {
  if (name == "full_attention") {
    return LayerKind::kFull;
  }
  if (name == "sliding_attention") {
    return LayerKind::kSliding;
  }
  reader.refuse("layer_types", fmt::format("holds \"{}\"", name),
                "full_attention or sliding_attention");
}

bool slides(const Family& family, std::int64_t layer, std::int64_t from,
            std::int64_t every) {
  switch (family.sliding) {
    case SlidingRule::kAll:
      return true;
    case SlidingRule::kFromLayer:
      return layer >= from;
    case SlidingRule::kAllButEvery:
      return (layer + 1) % every != 0;
    case SlidingRule::kNever:
      break;
  }
  return false;
}

void parse_layer_kinds(const ConfigReader& reader, const Family& family,
                       ModelConfig& config) {
  const bool switched_off = family.sliding == SlidingRule::kFromLayer &&
                            !reader.boolean("use_sliding_window", false);
  // A key that is there and null switches the window off.
  config.sliding_window =
      switched_off || family.sliding == SlidingRule::kNever
          ? 0
          : reader.integer(
                "sliding_window", 1, kMaxPositions,
                reader.is_null("sliding_window") ? 0 : family.sliding_window);
  config.layer_kinds.assign(config.num_layers, LayerKind::kFull);
  const auto names = reader.strings("layer_types");
  if (!names.empty() &&
      static_cast<std::int64_t>(names.size()) != config.num_layers) {
    reader.refuse("layer_types", fmt::format("has {} entries", names.size()),
                  fmt::format("one for each of {} layers", config.num_layers));
  }
  const std::int64_t from = reader.integer("max_window_layers", 0, 1 << 20, 28);
  const std::int64_t every = family.reads_pattern
                                 ? reader.integer("sliding_window_pattern", 1,
                                                  kMaxLayers, family.full_every)
                                 : family.full_every;
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const bool named = !names.empty();
    const LayerKind kind =
        named ? parse_layer_kind(reader, names[i])
              : (slides(family, i, from, every) ? LayerKind::kSliding
                                                : LayerKind::kFull);
    if (config.sliding_window > 0 && family.sliding == SlidingRule::kAll &&
        kind == LayerKind::kFull) {
      reader.refuse(
          "layer_types", "names full layers",
          fmt::format("a window on every layer of a {}", config.model_type));
    }
    // Without a window a sliding layer is a full one.
    if (config.sliding_window > 0) {
      config.layer_kinds[i] = kind;
    }
  }
}

void parse_attention(const ConfigReader& reader, const Family& family,
                     ModelConfig& config) {
  config.traits = family.traits;
  if (family.reads_attention_bias && reader.boolean("attention_bias", false)) {
    config.traits.qkv_bias = true;
    config.traits.o_bias = true;
  }
  config.traits.mlp_bias =
      family.reads_mlp_bias && reader.boolean("mlp_bias", false);
  if (family.scales_by_key) {
    const double scalar =
        reader.number("query_pre_attn_scalar", 1e-6, 1e9, 256.0);
    config.attention_scale = 1.0 / std::sqrt(scalar);
  }
  // A key that is there and null switches the cap off.
  const auto cap = [&](bool is_read, const char* key, double absent) {
    return is_read ? reader.number(key, 0.0, 1e9,
                                   reader.is_null(key) ? 0.0 : absent)
                   : 0.0;
  };
  config.attention_softcap =
      cap(family.caps_attention, "attn_logit_softcapping",
          family.attention_softcap);
  config.logit_softcap =
      cap(family.caps_logits, "final_logit_softcapping", family.logit_softcap);
}

// Keys that would change the numbers, and that the forward pass ignores.
void refuse_unsupported(const ConfigReader& reader) {
  for (const char* key :
       {"quantization_config", "clip_qkv", "embedding_multiplier",
        "residual_multiplier", "attention_multiplier", "logits_scaling",
        "no_rope_layers", "num_local_experts", "num_experts",
        "per_layer_config"}) {
    if (reader.has(key)) {
      reader.refuse(key, "is set", "a model without it",
                    "it changes what the model computes, and Veer does not "
                    "do so yet");
    }
  }
  if (reader.boolean("use_bidirectional_attention", false)) {
    reader.refuse("use_bidirectional_attention", "is true", "false",
                  "an embedding model, not a language model");
  }
  // transformers takes a null for "no" here.
  if (reader.is_null("is_causal") || !reader.boolean("is_causal", true)) {
    reader.refuse("is_causal", "is not true", "true, or no such key",
                  "a model whose tokens see what follows them");
  }
}

ModelConfig parse_text_config(const ConfigReader& reader) {
  ModelConfig config;
  const Family& family = find_family(reader);
  refuse_unsupported(reader);
  config.model_type = family.model_type;
  parse_sizes(reader, family, config);
  parse_attention(reader, family, config);
  parse_layer_kinds(reader, family, config);
  parse_rope(reader, family, config);
  config.activation = parse_activation(reader, family);
  config.norm_eps = reader.number("rms_norm_eps", 0.0, 1.0, family.norm_eps);
  config.tied_head = reader.boolean("tie_word_embeddings", family.tied_head);
  return config;
}

void parse_tokens_and_dtype(const ConfigReader& reader, ModelConfig& config) {
  if (reader.has("eos_token_id")) {
    config.eos_ids = reader.integers("eos_token_id");
  }
  if (const auto bos = reader.integers("bos_token_id"); !bos.empty()) {
    config.bos_id = bos[0];
  }
  const std::string dtype =
      reader.string("dtype", reader.string("torch_dtype", ""));
  if (!dtype.empty()) {
    config.stored_dtype = dtype;
  }
}

}  // namespace

ModelConfig parse_model_config(std::string_view json, std::string_view origin) {
  const Json document = parse_python_json(json, origin);
  if (!document.is_object()) {
    fail("read model config", fmt::format("{} holds no object", origin),
         "the config.json of a model");
  }
  const ConfigReader reader(document, origin);
  // A multimodal Gemma 3 keeps its language model one level down.
  const auto text = reader.object("text_config");
  ModelConfig config;
  if (reader.string("model_type", "") == "gemma3" && text) {
    refuse_unsupported(reader);
    config = parse_text_config(*text);
    // The class around the language model ties by a key of its own and does
    // not cap its logits.
    config.tied_head = reader.boolean("tie_word_embeddings", true);
    config.logit_softcap = 0.0;
    parse_tokens_and_dtype(*text, config);
  } else {
    config = parse_text_config(reader);
  }
  parse_tokens_and_dtype(reader, config);
  return config;
}

}  // namespace veer
