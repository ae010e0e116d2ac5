// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include "veer/base/random.h"
#include "veer/model/transformer.h"

namespace veer {

using Rows = std::vector<std::vector<std::int32_t>>;

// Where public test material lies; tests skip when it does not.
inline std::filesystem::path test_data() {
  const char* folder = std::getenv("VEER_TEST_DATA");
  return folder == nullptr ? "../shared/data" : folder;
}

// The config.json of a Llama small enough to run in microseconds. `more` is
// added to the object, beginning with a comma.
inline std::string tiny_config_json(const std::string& more = "") {
  return R"({"model_type": "llama", "vocab_size": 29, "hidden_size": 16,
    "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "rms_norm_eps": 1e-5,
    "tie_word_embeddings": true, "max_position_embeddings": 64)" +
         more + "}";
}

// Normal numbers times `scale`, from our own generator.
inline at::Tensor random_tensor(at::IntArrayRef shape, Random& random,
                                double scale = 1.0) {
  auto tensor = at::empty(shape, at::kFloat);
  auto* data = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    data[i] = static_cast<float>(scale * random.normal());
  }
  return tensor;
}

inline std::map<std::string, at::Tensor> random_weights(
    const ModelConfig& config, std::uint64_t seed) {
  Random random(seed);
  std::map<std::string, at::Tensor> weights;
  for (const auto& [name, shape] : weight_shapes(config)) {
    const bool is_norm = shape.size() == 1 && name.ends_with("norm.weight");
    auto weight = random_tensor(shape, random, is_norm ? 0.1 : 0.3);
    weights[name] = is_norm ? weight + 1.0 : weight;
  }
  return weights;
}

inline Transformer tiny_model(const std::string& more = "",
                              std::uint64_t seed = 1) {
  const ModelConfig config = parse_model_config(tiny_config_json(more), "tiny");
  return Transformer(config, random_weights(config, seed));
}

// A pair for each linear layer, both factors non-zero.
inline Adapter random_adapter(const Transformer& model, std::int64_t rank,
                              std::uint64_t seed) {
  Random random(seed);
  Adapter adapter;
  for (const auto& [path, size] : model.linear_layers()) {
    adapter.pairs[path] = {random_tensor({rank, size.second}, random, 0.3),
                           random_tensor({size.first, rank}, random, 0.3), 0.5};
  }
  return adapter;
}

// One that changes embedding, head, norms and layers in every way.
inline Adapter random_full_adapter(const Transformer& model, std::int64_t rank,
                                   std::uint64_t seed) {
  Adapter adapter = random_adapter(model, rank, seed);
  Random random(seed + 1);
  auto& stretched = adapter.pairs.begin()->second;
  stretched.magnitude_O =
      random_tensor({stretched.B_OR.size(0)}, random, 0.1) + 1.0;
  const auto vocabulary = model.config().vocab_size;
  const auto width = model.config().width;
  adapter.pairs["lm_head"] = {random_tensor({rank, width}, random, 0.3),
                              random_tensor({vocabulary, rank}, random, 0.3)};
  adapter.weights["model.norm.weight"] =
      random_tensor({width}, random, 0.2) + 1.0;
  adapter.weights["model.embed_tokens.weight"] =
      random_tensor({vocabulary, width}, random, 0.3);
  adapter.tokens["lm_head"] = {{3, 5}, random_tensor({2, width}, random, 0.5)};
  adapter.tokens["model.embed_tokens"] = {{2, 3},
                                          random_tensor({2, width}, random)};
  return adapter;
}

// Rows of the given lengths with ids below `vocab_size`.
inline Rows random_rows(const std::vector<std::int64_t>& lengths,
                        std::int64_t vocab_size, std::uint64_t seed) {
  Random random(seed);
  Rows rows;
  for (const std::int64_t length : lengths) {
    auto& row = rows.emplace_back();
    for (std::int64_t i = 0; i < length; ++i) {
      row.push_back(static_cast<std::int32_t>(random.below(vocab_size)));
    }
  }
  return rows;
}

}  // namespace veer
