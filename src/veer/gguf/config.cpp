// SPDX-License-Identifier: MIT
#include "veer/gguf/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/gguf/tokenizer.h"

namespace veer {
namespace {

// How a family's checkpoints are written by llama.cpp's converter.
struct Layout {
  std::string_view architecture;
  std::string_view model_type;
  std::string_view class_name;
  bool pairs_rows = false;      // q and k, see GgufPlace
  bool norms_plus_one = false;  // every norm
  bool four_norms = false;      // ffn_norm is before the feed-forward part
  bool fused_gate_up = false;   // ffn_up holds both
  // Layers of the size whose attention scale is that of width / heads, not of
  // the head width; 0 = none.
  std::int64_t wide_layers = 0;
};

constexpr std::array kLayouts{
    Layout{.architecture = "llama",
           .model_type = "llama",
           .class_name = "LlamaForCausalLM",
           .pairs_rows = true},
    Layout{.architecture = "qwen2",
           .model_type = "qwen2",
           .class_name = "Qwen2ForCausalLM"},
    Layout{.architecture = "qwen3",
           .model_type = "qwen3",
           .class_name = "Qwen3ForCausalLM"},
    Layout{.architecture = "gemma2",
           .model_type = "gemma2",
           .class_name = "Gemma2ForCausalLM",
           .norms_plus_one = true,
           .four_norms = true,
           .wide_layers = 46},
    Layout{.architecture = "gemma3",
           .model_type = "gemma3_text",
           .class_name = "Gemma3ForCausalLM",
           .norms_plus_one = true,
           .four_norms = true,
           .wide_layers = 62},
    Layout{.architecture = "phi3",
           .model_type = "phi3",
           .class_name = "Phi3ForCausalLM",
           .fused_gate_up = true},
    Layout{.architecture = "olmo2",
           .model_type = "olmo2",
           .class_name = "Olmo2ForCausalLM"},
};

constexpr std::int64_t kMaxHeads = 1 << 20;

using Name = std::pair<std::string_view, std::string_view>;

// Tensors outside the blocks; an empty place: the config reads it.
constexpr std::array<Name, 6> kNames = {{
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"rope_freqs", ""},
    {"rope_factors_long", ""},
    {"rope_factors_short", ""},
}};

// Tensors of block N, "blk.N." before them.
constexpr std::array<Name, 14> kBlockNames = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_qkv", "self_attn.qkv_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

const Layout& layout_of(const GgufModel& model) {
  const std::string key = "general.architecture";
  const std::string name = model.need_string(key);
  const auto* const found =
      std::ranges::find(kLayouts, name, &Layout::architecture);
  if (found != kLayouts.end()) {
    return *found;
  }
  std::string known;
  for (const Layout& layout : kLayouts) {
    known +=
        fmt::format("{}{}", known.empty() ? "" : ", ", layout.architecture);
  }
  model.refuse(key, fmt::format("is \"{}\"", name.substr(0, 120)),
               "one of " + known,
               name == "controlvector"
                   ? "a steering vector, not a model; --vector names it"
                   : "an architecture that Veer does not compute, or does not "
                     "read from GGUF");
}

template <std::size_t N>
const Name* find_name(const std::array<Name, N>& names, std::string_view name) {
  const auto* const found = std::ranges::find(names, name, &Name::first);
  return found == names.end() ? nullptr : found;
}

// Reads the metadata of one model under its architecture's prefix.
class ConfigWriter {
 public:
  explicit ConfigWriter(const GgufModel& model)
      : model_(model), layout_(layout_of(model)) {}

  std::string write() {
    refuse_unknown();
    config_["architectures"] = {std::string(layout_.class_name)};
    config_["model_type"] = std::string(layout_.model_type);
    write_sizes();
    write_vocabulary();
    write_windows();
    write_rope();
    write_attention();
    write_tokens();
    return dump_json(config_, 2);
  }

 private:
  std::string key(std::string_view name) const {
    return fmt::format("{}.{}", layout_.architecture, name);
  }
  bool has_tensor(std::string_view name) const {
    return model_.tensor(name) != nullptr;
  }

  // Keys that change the numbers, and that the forward pass does not know.
  void refuse_unknown() const {
    for (const char* name :
         {"attention.clamp_kqv", "attention.max_alibi_bias", "logit_scale",
          "residual_scale", "embedding_scale", "attention.scale",
          "attention.temperature_scale", "no_rope_layer_step",
          "attention.indexer.head_count"}) {
      if (model_.number(key(name)).value_or(0.0) != 0.0) {
        model_.refuse(key(name), "is set", "a model without it",
                      "it changes what the model computes, and Veer does not "
                      "do so yet");
      }
    }
    if (model_.integer(key("expert_count")).value_or(0) > 0) {
      model_.refuse(key("expert_count"), "is set", "a dense model",
                    "a mixture of experts, which Veer does not compute");
    }
    for (const char* name : {"use_parallel_residual", "attention.causal"}) {
      const bool usual = std::string_view(name) == "attention.causal";
      if (model_.boolean(key(name)).value_or(usual) != usual) {
        model_.refuse(key(name), usual ? "is false" : "is true",
                      usual ? "true" : "false",
                      "it changes what the model computes, and Veer does not "
                      "do so yet");
      }
    }
    constexpr std::array<std::string_view, 7> kRopeKeys = {
        "type",      "factor",         "original_context_length", "attn_factor",
        "finetuned", "yarn_beta_fast", "yarn_beta_slow"};
    const std::string prefix = key("rope.scaling.");
    for (const auto& [name, value] : model_.metadata().metadata) {
      if (name.starts_with(prefix) &&
          std::ranges::find(kRopeKeys, std::string_view(name).substr(
                                           prefix.size())) == kRopeKeys.end()) {
        model_.refuse(name.substr(0, 120), "is set", "a model without it",
                      "a rotary embedding that Veer does not compute");
      }
    }
  }

  void copy_integer(const char* from, const char* to) {
    if (const auto value = model_.integer(key(from))) {
      config_[to] = *value;
    }
  }
  void copy_number(const char* from, const char* to) {
    if (const auto value = model_.number(key(from))) {
      config_[to] = *value;
    }
  }

  void write_sizes() {
    width_ = model_.need_integer(key("embedding_length"));
    heads_ = model_.need_integer(key("attention.head_count"));
    layers_ = model_.need_integer(key("block_count"));
    config_["hidden_size"] = width_;
    config_["num_attention_heads"] = heads_;
    config_["num_hidden_layers"] = layers_;
    config_["intermediate_size"] =
        model_.need_integer(key("feed_forward_length"));
    config_["max_position_embeddings"] =
        model_.need_integer(key("context_length"));
    copy_integer("attention.head_count_kv", "num_key_value_heads");
    copy_number("attention.layer_norm_rms_epsilon", "rms_norm_eps");
    if (heads_ < 1) {
      model_.refuse(key("attention.head_count"), fmt::format("is {}", heads_),
                    "at least 1");
    }
    head_width_ =
        model_.integer(key("attention.key_length"))
            .value_or(layout_.pairs_rows
                          ? model_.integer(key("rope.dimension_count"))
                                .value_or(width_ / heads_)
                          : width_ / heads_);
    config_["head_dim"] = head_width_;
    if (const auto value = model_.integer(key("attention.value_length"));
        value && *value != head_width_) {
      model_.refuse(key("attention.value_length"), fmt::format("is {}", *value),
                    fmt::format("{}, the width of the keys", head_width_));
    }
  }

  void write_vocabulary() {
    const GgufTensor* table = model_.tensor("token_embd.weight");
    if (table == nullptr || table->shape.size() != 2) {
      model_.refuse("tensor token_embd.weight",
                    table == nullptr ? "is missing" : "is no matrix",
                    "the embedding, a row for each token",
                    "a part of a model, or the file of a projector");
    }
    const std::int64_t rows = table->shape[0];
    config_["vocab_size"] = rows;
    config_["tie_word_embeddings"] = !has_tensor("output.weight");
    gguf_require_fitting_tokens(model_);
  }

  void write_windows() {
    const auto window = model_.integer(key("attention.sliding_window"));
    if (layout_.architecture == "llama" && window.value_or(0) > 0) {
      // Only Mistral has one among the models that are written so.
      config_["architectures"] = {"MistralForCausalLM"};
      config_["model_type"] = "mistral";
    }
    if (layout_.architecture == "olmo2" && window.value_or(0) > 0) {
      model_.refuse(key("attention.sliding_window"), "is set",
                    "a model without it",
                    "OLMo 3, which Veer does not compute");
    }
    if (layout_.architecture == "qwen2" || layout_.architecture == "qwen3") {
      return;  // switched off in every published model, and by llama.cpp
    }
    if (window) {
      config_["sliding_window"] = *window > 0 ? Json(*window) : Json(nullptr);
    }
    const char* pattern = "attention.sliding_window_pattern";
    const GgufValue* value = model_.metadata().find(key(pattern));
    if (value != nullptr && value->kind == GgufKind::kArray) {
      write_layer_types(*model_.list(key(pattern)));
    } else {
      copy_integer(pattern, "sliding_window_pattern");
    }
  }

  void write_layer_types(const std::vector<GgufValue>& slides) {
    Json kinds = Json::array();
    for (const GgufValue& value : slides) {
      const auto* bit = std::get_if<std::uint64_t>(&value.value);
      if (bit == nullptr) {
        model_.refuse(key("attention.sliding_window_pattern"),
                      "holds other values than bools", "a bool for each layer");
      }
      kinds.push_back(*bit != 0 ? "sliding_attention" : "full_attention");
    }
    config_["layer_types"] = std::move(kinds);
  }

  void write_rope() {
    copy_number("rope.freq_base", "rope_theta");
    copy_number("rope.freq_base_swa", "rope_local_base_freq");
    const std::int64_t rotated =
        model_.integer(key("rope.dimension_count")).value_or(head_width_);
    if (rotated != head_width_ && layout_.architecture != "phi3") {
      model_.refuse(key("rope.dimension_count"), fmt::format("is {}", rotated),
                    fmt::format("{}, the width of a head", head_width_),
                    "a partial rotation, which Veer computes for phi3 only");
    }
    if (rotated != head_width_) {
      config_["partial_rotary_factor"] =
          static_cast<double>(rotated) / static_cast<double>(head_width_);
    }
    Json rope = scaling();
    if (!rope.empty()) {
      config_["rope_scaling"] = std::move(rope);
    }
  }

  Json scaling() {
    const std::int64_t original =
        model_.integer(key("rope.scaling.original_context_length")).value_or(0);
    if (has_tensor("rope_freqs.weight")) {
      // Llama 3's stretching as one factor for each frequency.
      const Json factors = numbers_of("rope_freqs.weight");
      return {{"rope_type", "longrope"},
              {"short_factor", factors},
              {"long_factor", factors},
              {"factor", 1.0},
              {"attention_factor", 1.0}};
    }
    if (original > 0) {
      config_["original_max_position_embeddings"] = original;
    }
    if (has_tensor("rope_factors_long.weight")) {
      Json rope = {{"rope_type", "longrope"},
                   {"short_factor", numbers_of("rope_factors_short.weight")},
                   {"long_factor", numbers_of("rope_factors_long.weight")}};
      if (const auto factor = model_.number(key("rope.scaling.attn_factor"))) {
        rope["attention_factor"] = *factor;
      }
      return rope;
    }
    const std::string type =
        model_.string(key("rope.scaling.type"))
            .value_or(model_.has(key("rope.scale_linear")) ? "linear" : "none");
    if (type == "none") {
      return Json::object();
    }
    if (type == "longrope") {
      model_.refuse("tensor rope_factors_long.weight", "is missing",
                    "a factor for each frequency", "a truncated conversion");
    }
    return scaled(type, original);
  }

  Json scaled(const std::string& type, std::int64_t original) const {
    Json rope = {{"rope_type", type}};
    const auto factor = model_.number(key("rope.scaling.factor"));
    const double stretch =
        factor ? *factor
               : model_.number(key("rope.scale_linear")).value_or(1.0);
    rope["factor"] = stretch;
    if (original > 0) {
      rope["original_max_position_embeddings"] = original;
    }
    if (type == "yarn") {
      if (const auto more = model_.number(key("rope.scaling.attn_factor"));
          more && stretch > 0.0) {
        rope["attention_factor"] =
            *more * (stretch > 1.0 ? 0.1 * std::log(stretch) + 1.0 : 1.0);
      }
      for (const char* beta : {"beta_fast", "beta_slow"}) {
        if (const auto value =
                model_.number(key(fmt::format("rope.scaling.yarn_{}", beta)))) {
          rope[beta] = *value;
        }
      }
    }
    return rope;
  }

  Json numbers_of(std::string_view tensor) const {
    Json out = Json::array();
    for (const float value : model_.numbers(tensor)) {
      out.push_back(static_cast<double>(value));
    }
    return out;
  }

  void write_attention() {
    if (has_tensor("blk.0.attn_output.bias")) {
      config_["attention_bias"] = true;
    }
    if (has_tensor("blk.0.ffn_down.bias")) {
      config_["mlp_bias"] = true;
    }
    if (layout_.wide_layers > 0) {
      // The file does not say it; llama.cpp tells the largest model, whose
      // scale is another one, by its layers too.
      config_["query_pre_attn_scalar"] =
          layers_ == layout_.wide_layers ? width_ / heads_ : head_width_;
    }
    copy_number("attn_logit_softcapping", "attn_logit_softcapping");
    copy_number("final_logit_softcapping", "final_logit_softcapping");
  }

  void write_tokens() {
    Json ends = Json::array();
    for (const char* name : {"eos", "eot", "eom"}) {
      const auto id =
          model_.integer(fmt::format("tokenizer.ggml.{}_token_id", name));
      if (id && std::ranges::find(ends, Json(*id)) == ends.end()) {
        ends.push_back(*id);
      }
    }
    if (!ends.empty()) {
      config_["eos_token_id"] = std::move(ends);
    }
    if (const auto id = model_.integer("tokenizer.ggml.bos_token_id")) {
      config_["bos_token_id"] = *id;
    }
  }

  const GgufModel& model_;
  const Layout& layout_;
  Json config_ = Json::object();
  std::int64_t width_ = 0;
  std::int64_t heads_ = 1;
  std::int64_t layers_ = 0;
  std::int64_t head_width_ = 1;
};

// "attn_q" and "weight" of "blk.3.attn_q.weight", and 3; -1 outside the blocks.
struct Parsed {
  std::int64_t layer = -1;
  std::string_view part;
  std::string_view ending;
};

Parsed parse(std::string_view name) {
  constexpr std::string_view kBlock = "blk.";
  Parsed out;
  if (name.starts_with(kBlock)) {
    const auto rest = name.substr(kBlock.size());
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), out.layer);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || digits >= rest.size() || rest[digits] != '.') {
      return {};
    }
    name = rest.substr(digits + 1);
  }
  const auto dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    out.part = name.substr(0, dot);
    out.ending = name.substr(dot + 1);
  }
  return out;
}

std::string block_part(const Layout& layout, std::string_view part,
                       std::string_view usual) {
  if (part == "ffn_norm" && layout.four_norms) {
    return "pre_feedforward_layernorm";
  }
  return part == "ffn_up" && layout.fused_gate_up ? "mlp.gate_up_proj"
                                                  : std::string(usual);
}

}  // namespace

GgufPlace gguf_place(const GgufModel& model, std::string_view name) {
  const Layout& layout = layout_of(model);
  const Parsed parsed = parse(name);
  const Name* found = parsed.layer < 0 ? find_name(kNames, parsed.part)
                                       : find_name(kBlockNames, parsed.part);
  if (found == nullptr) {
    return {.name = std::string(name)};
  }
  GgufPlace place;
  if (parsed.layer >= 0) {
    place.name = fmt::format("model.layers.{}.{}.{}", parsed.layer,
                             block_part(layout, parsed.part, found->second),
                             parsed.ending);
  } else if (!found->second.empty()) {
    place.name = fmt::format("{}.{}", found->second, parsed.ending);
  }
  if (layout.pairs_rows &&
      (parsed.part == "attn_q" || parsed.part == "attn_k")) {
    const std::string prefix = std::string(layout.architecture) + ".attention.";
    const std::int64_t heads = model.need_integer(prefix + "head_count");
    const std::int64_t own =
        parsed.part == "attn_q"
            ? heads
            : model.integer(prefix + "head_count_kv").value_or(heads);
    const GgufTensor* tensor = model.tensor(name);
    // A count beyond any model is refused when the config is read.
    const bool splits = tensor != nullptr && !tensor->shape.empty() &&
                        own > 0 && own <= kMaxHeads &&
                        tensor->shape[0] % (2 * own) == 0;
    place.head_rows = splits ? tensor->shape[0] / own : 0;
  }
  place.plus_one = layout.norms_plus_one && parsed.ending == "weight" &&
                   parsed.part.ends_with("norm");
  return place;
}

std::string gguf_config_json(const GgufModel& model) {
  return ConfigWriter(model).write();
}

}  // namespace veer
