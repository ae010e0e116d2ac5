// SPDX-License-Identifier: MIT
#include "veer/train/mlx_adapter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTask = "read adapter of MLX";
constexpr const char* kWeights = "adapters.safetensors";
constexpr const char* kRemedy =
    "correct adapter_config.json, or convert the adapter to PEFT's layout "
    "(docs/formats/adapters.md)";
constexpr const char* kEmbedding = "model.embed_tokens";
constexpr const char* kHead = "lm_head";

[[noreturn]] void refuse(const std::string& found, std::string_view expected) {
  fail(kTask, found, expected, kRemedy);
}

struct MlxConfig {
  std::string kind = "lora";  // or "dora" or "full"
  std::int64_t rank = 0;
  double scale = 0.0;
  double dropout = 0.0;
  std::optional<std::set<std::string>> keys;
};

double number(const Json& json, const char* key, const fs::path& path) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_number() ||
      !std::isfinite(it->get<double>())) {
    refuse(
        fmt::format("{}: lora_parameters has no number {}", path.string(), key),
        "rank, scale and dropout");
  }
  return it->get<double>();
}

MlxConfig read_config(const fs::path& path) {
  const Json json =
      parse_json(read_file(path, std::uint64_t{1} << 24), path.string());
  MlxConfig out;
  if (!json.is_object()) {
    refuse(path.string() + " is no JSON object", "one");
  }
  const Json kind = json.value("fine_tune_type", Json("lora"));
  if (kind != "lora" && kind != "dora" && kind != "full") {
    refuse(
        fmt::format("{}: fine_tune_type is {}", path.string(), dump_json(kind)),
        "\"lora\", \"dora\" or \"full\"");
  }
  out.kind = kind.get<std::string>();
  if (out.kind == "full") {
    return out;
  }
  const Json parameters = json.value("lora_parameters", Json());
  if (!parameters.is_object()) {
    refuse(path.string() + " has no lora_parameters", "rank, scale, dropout");
  }
  const double rank = number(parameters, "rank", path);
  if (rank < 1 || rank > 65536 || rank != std::floor(rank)) {
    refuse(fmt::format("{}: rank is {}", path.string(), rank), "1 to 65536");
  }
  out.rank = static_cast<std::int64_t>(rank);
  out.scale = number(parameters, "scale", path);
  out.dropout = parameters.contains("dropout")
                    ? number(parameters, "dropout", path)
                    : 0.0;
  // Releases before October 2024 multiplied scale by alpha / rank.
  if (parameters.contains("alpha") &&
      number(parameters, "alpha", path) != rank) {
    refuse(fmt::format("{}: lora_parameters has alpha {} beside rank {}",
                       path.string(), dump_json(parameters["alpha"]), rank),
           "scale alone: releases of MLX differ in what alpha does");
  }
  if (const auto keys = parameters.find("keys");
      keys != parameters.end() && !keys->is_null()) {
    out.keys.emplace();
    for (const auto& key : *keys) {
      if (!keys->is_array() || !key.is_string()) {
        refuse(path.string() + ": lora_parameters.keys", "a list of names");
      }
      out.keys->insert(key.get<std::string>());
    }
  }
  return out;
}

// "self_attn.q_proj" of "model.layers.3.self_attn.q_proj".
std::string within_layer(const std::string& path) {
  const std::string prefix = "layers.";
  const auto begin = path.find(prefix);
  if (begin == std::string::npos) {
    return path;
  }
  const auto dot = path.find('.', begin + prefix.size());
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

at::Tensor factor(const at::Tensor& tensor, const std::string& name,
                  std::int64_t dimensions) {
  if (tensor.dim() != dimensions || !tensor.is_floating_point()) {
    refuse(fmt::format("tensor {} has {} dimensions", name, tensor.dim()),
           dimensions == 2 ? "a floating-point matrix" : "a vector");
  }
  return tensor.to(at::kFloat).clone();
}

// The name without its last word, which is returned too.
std::pair<std::string, std::string> split_name(const std::string& name) {
  const auto dot = name.rfind('.');
  return {name.substr(0, dot == std::string::npos ? 0 : dot),
          name.substr(dot == std::string::npos ? 0 : dot + 1)};
}

void take(Adapter& out, const MlxConfig& config, const std::string& name,
          const at::Tensor& tensor) {
  if (config.kind == "full") {
    out.weights[name] = tensor.clone();
    return;
  }
  const auto [path, part] = split_name(name);
  if (part != "lora_a" && part != "lora_b" &&
      (part != "m" || config.kind != "dora")) {
    refuse("tensor " + name, config.kind == "dora"
                                 ? "lora_a, lora_b and m of layers"
                                 : "lora_a and lora_b of layers");
  }
  if (config.keys && !config.keys->contains(path) &&
      !config.keys->contains(within_layer(path))) {
    refuse(fmt::format("tensor {}, whose layer lora_parameters.keys does not "
                       "name",
                       name),
           "the tensors of the layers in keys, as mlx-lm wants it");
  }
  LoraPair& pair = out.pairs[path];
  if (part == "m") {
    pair.magnitude_O = factor(tensor, name, 1);
    return;
  }
  const auto turned = factor(tensor, name, 2).t().contiguous();
  (part == "lora_a" ? pair.A_RI : pair.B_OR) = turned;
}

void check_pairs(Adapter& out, const MlxConfig& config) {
  for (auto& [path, pair] : out.pairs) {
    const bool dora = config.kind == "dora";
    if (!pair.A_RI.defined() || !pair.B_OR.defined() ||
        pair.magnitude_O.defined() != dora) {
      refuse(path + " lacks a tensor",
             dora ? "lora_a, lora_b and m" : "lora_a and lora_b");
    }
    if (pair.A_RI.size(0) != config.rank || pair.B_OR.size(1) != config.rank) {
      refuse(fmt::format("{} has rank {} and {}", path, pair.A_RI.size(0),
                         pair.B_OR.size(1)),
             fmt::format("rank {} as lora_parameters says", config.rank));
    }
    if (dora && path.ends_with("embed_tokens")) {
      refuse("DoRA of " + path,
             "DoRA of linear layers: MLX's of an embedding is per token");
    }
    pair.scale = config.scale;
  }
}

}  // namespace

bool is_mlx_adapter(const fs::path& folder) {
  if (fs::exists(folder / kWeights) || fs::exists(folder / "adapters.npz")) {
    return true;
  }
  const fs::path path = folder / "adapter_config.json";
  if (!fs::exists(path)) {
    return false;
  }
  const Json json = Json::parse(read_file(path, std::uint64_t{1} << 24),
                                nullptr, /*allow_exceptions=*/false);
  return json.is_object() && !json.contains("peft_type") &&
         (json.contains("lora_parameters") || json.contains("fine_tune_type"));
}

std::pair<Adapter, AdapterInfo> read_mlx_adapter(const fs::path& folder,
                                                 bool tied_head) {
  if (!fs::exists(folder / kWeights)) {
    refuse(folder.string() + " has no adapters.safetensors",
           fs::exists(folder / "adapters.npz")
               ? "adapters.safetensors: mx.save_safetensors("
                 "\"adapters.safetensors\", dict(mx.load(\"adapters.npz\")))"
               : "the weights beside adapter_config.json");
  }
  const auto config = read_config(folder / "adapter_config.json");
  Adapter out;
  for (const auto& [name, tensor] :
       read_safetensors(folder / kWeights).tensors) {
    take(out, config, name, tensor);
  }
  if (out.empty()) {
    refuse((folder / kWeights).string() + " holds no tensors",
           "lora_a and lora_b");
  }
  check_pairs(out, config);
  const auto embedding = out.pairs.find(kEmbedding);
  if (tied_head && embedding != out.pairs.end()) {
    const LoraPair& pair = embedding->second;
    out.pairs[kHead] = {.A_RI = pair.B_OR.t().contiguous(),
                        .B_OR = pair.A_RI.t().contiguous(),
                        .scale = pair.scale};
  }
  if (const auto table = out.weights.find("model.embed_tokens.weight");
      tied_head && table != out.weights.end()) {
    out.weights.try_emplace("lm_head.weight", table->second);
  }
  return {std::move(out),
          {.rank = config.rank,
           .alpha = config.scale * static_cast<double>(config.rank),
           .dropout = config.dropout}};
}

}  // namespace veer
