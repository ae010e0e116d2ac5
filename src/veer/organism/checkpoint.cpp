// SPDX-License-Identifier: MIT
#include "veer/organism/checkpoint.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/base/python_json.h"
#include "veer/gguf/model_text.h"
#include "veer/model/weights.h"
#include "veer/tensors/safetensors.h"

namespace veer::organism {
namespace {

constexpr std::int64_t kMaxPositions = 512;
constexpr const char* kWorldKey = "veer_world";

// Standard deviation of a fresh weight; 0 = a norm, all ones.
double deviation(const std::string& name, std::int64_t layers) {
  if (name.ends_with("norm.weight")) {
    return 0.0;
  }
  if (name == "model.embed_tokens.weight") {
    return 0.05;
  }
  const bool writes =
      name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
  const double depth = 2.0 * static_cast<double>(layers);
  return writes ? 0.03 / std::sqrt(depth) : 0.03;
}

at::Tensor fresh_weight(const std::vector<std::int64_t>& shape, double sd,
                        Random& random) {
  auto weight = at::ones(shape);
  if (sd > 0.0) {
    float* values = weight.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < weight.numel(); ++i) {
      values[i] = static_cast<float>(sd * random.normal());
    }
  }
  return weight.requires_grad_(true);
}

std::string generation_config_json(const Vocabulary& vocabulary) {
  const Json document{{"bos_token_id", vocabulary.begin_of_text()},
                      {"eos_token_id", Json::array({vocabulary.end_of_turn(),
                                                    vocabulary.end_of_text()})},
                      {"pad_token_id", vocabulary.pad()},
                      {"do_sample", false},
                      {"max_new_tokens", 32}};
  return dump_json(document, 2) + "\n";
}

}  // namespace

std::string organism_config_json(const OrganismShape& shape,
                                 const Vocabulary& vocabulary,
                                 std::string_view dtype) {
  const Json document{{"architectures", Json::array({"LlamaForCausalLM"})},
                      {"model_type", "llama"},
                      {"vocab_size", vocabulary.size()},
                      {"hidden_size", shape.width},
                      {"intermediate_size", shape.feed_forward},
                      {"num_hidden_layers", shape.layers},
                      {"num_attention_heads", shape.heads},
                      {"num_key_value_heads", shape.kv_heads},
                      {"head_dim", shape.width / shape.heads},
                      {"hidden_act", "silu"},
                      {"rms_norm_eps", 1e-5},
                      {"rope_theta", 10000.0},
                      {"max_position_embeddings", kMaxPositions},
                      {"tie_word_embeddings", true},
                      {"attention_bias", false},
                      {"mlp_bias", false},
                      {"initializer_range", 0.03},
                      {"bos_token_id", vocabulary.begin_of_text()},
                      {"eos_token_id", Json::array({vocabulary.end_of_turn(),
                                                    vocabulary.end_of_text()})},
                      {"pad_token_id", vocabulary.pad()},
                      {"torch_dtype", dtype},
                      {kWorldKey, vocabulary.world().name()}};
  return dump_json(document, 2) + "\n";
}

bool names_world(const std::filesystem::path& folder) {
  const auto file = folder / "config.json";
  std::error_code ec;
  return std::filesystem::exists(file, ec) &&
         parse_python_json(read_file(file), file.string()).contains(kWorldKey);
}

const World& world_of(const std::filesystem::path& folder) {
  const ModelText text = read_config_text(folder);
  const Json config = parse_python_json(text.text, text.origin);
  const auto found = config.find(kWorldKey);
  if (found == config.end()) {
    return advice_world();
  }
  if (!found->is_string()) {
    fail("world of an organism", fmt::format("{}: {}", text.origin, kWorldKey),
         "a name");
  }
  return world_named(found->get<std::string>());
}

Transformer fresh_organism(const OrganismShape& shape,
                           const Vocabulary& vocabulary, Random random) {
  auto config = parse_model_config(organism_config_json(shape, vocabulary),
                                   "a fresh organism");
  std::map<std::string, at::Tensor> weights;
  for (const auto& [name, sizes] : weight_shapes(config)) {
    weights[name] = fresh_weight(sizes, deviation(name, shape.layers), random);
  }
  for (std::int64_t i = 0; i < std::min(shape.zeroed_blocks, shape.layers);
       ++i) {
    const auto name = fmt::format("model.layers.{}.mlp.down_proj.weight", i);
    weights[name] = at::zeros(weights[name].sizes());
  }
  return Transformer(std::move(config), std::move(weights));
}

void write_organism(const std::filesystem::path& folder,
                    const OrganismShape& shape, const Transformer& model,
                    const Vocabulary& vocabulary, std::string_view dtype) {
  const auto type = dtype == "bfloat16" ? at::kBFloat16 : at::kFloat;
  TensorMap tensors;
  for (const auto& [name, weight] : model.weights()) {
    tensors[name] = weight.detach().to(type).contiguous();
  }
  make_folder(folder);
  write_file(folder / "tokenizer.json", vocabulary.tokenizer_json());
  write_file(folder / "tokenizer_config.json",
             vocabulary.tokenizer_config_json());
  write_file(folder / "generation_config.json",
             generation_config_json(vocabulary));
  write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  write_file(folder / "config.json",
             organism_config_json(shape, vocabulary, dtype));
}

}  // namespace veer::organism
