// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/model/adapter.h"
#include "veer/train/adapter_config.h"

namespace veer {
namespace {

// 16 rather than 16.0, as PEFT writes whole numbers.
Json number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

// Last part of the path and the layer ("model.layers.3.x.q_proj" -> 3).
std::pair<std::string, std::string> name_and_layer(const std::string& path) {
  const auto last = path.rfind('.');
  const std::string prefix = "model.layers.";
  std::string layer;
  if (path.starts_with(prefix)) {
    layer = path.substr(prefix.size(),
                        path.find('.', prefix.size()) - prefix.size());
  }
  return {last == std::string::npos ? path : path.substr(last + 1), layer};
}

// Short names if every named module of every layer has its pair, else the
// full paths.
std::vector<std::string> target_modules(const Adapter& adapter,
                                        const AdapterInfo& info) {
  std::set<std::string> names;
  std::set<std::string> layers;
  std::vector<std::string> paths;
  std::vector<std::string> tables;  // embedding and head, which have no layer
  for (const auto& [path, pair] : adapter.pairs) {
    const auto [name, layer] = name_and_layer(path);
    if (layer.empty()) {
      tables.push_back(path);
      continue;
    }
    names.insert(name);
    layers.insert(layer);
    paths.push_back(path);
  }
  const bool grid = names.size() * layers.size() == paths.size() &&
                    (info.layers.empty() ||
                     std::set(info.layers.begin(), info.layers.end()).size() ==
                         layers.size());
  std::vector<std::string> out =
      grid ? std::vector<std::string>(names.begin(), names.end()) : paths;
  out.insert(out.end(), tables.begin(), tables.end());
  return out;
}

std::string module_of(const std::string& weight) {
  return weight.substr(0, weight.rfind('.'));
}

// Modules whose weights are stored by themselves; those under a pair and
// biases are not.
std::set<std::string> saved_modules(const Adapter& adapter) {
  std::set<std::string> modules;
  for (const auto& [name, weight] : adapter.weights) {
    const auto module = module_of(name);
    if (!name.ends_with(".bias") && !adapter.pairs.contains(module)) {
      modules.insert(module);
    }
  }
  return modules;
}

std::string bias_kind(const Adapter& adapter,
                      const std::set<std::string>& saved) {
  std::string kind = "none";
  for (const auto& [name, weight] : adapter.weights) {
    const auto module = module_of(name);
    if (name.ends_with(".bias") && !saved.contains(module)) {
      const bool under_pair = adapter.pairs.contains(module);
      kind = under_pair && kind != "all" ? "lora_only" : "all";
    }
  }
  return kind;
}

Json token_indices(const Adapter& adapter) {
  if (adapter.tokens.empty()) {
    return nullptr;
  }
  Json out = Json::object();
  for (const auto& [path, rows] : adapter.tokens) {
    out[name_and_layer(path).first] = rows.ids;
  }
  return out;
}

Json layers_to_transform(const AdapterInfo& info) {
  if (info.layers.empty()) {
    return nullptr;
  }
  return info.layers;
}

}  // namespace

std::string adapter_config_json(const Adapter& adapter,
                                const AdapterInfo& info) {
  Json ranks = Json::object();
  Json alphas = Json::object();
  bool magnitudes = false;
  bool biases = false;
  for (const auto& [path, pair] : adapter.pairs) {
    const auto rank = static_cast<double>(pair.A_RI.size(0));
    const double alpha = pair.scale * (info.rslora ? std::sqrt(rank) : rank);
    magnitudes = magnitudes || pair.magnitude_O.defined();
    biases = biases || pair.bias_O.defined();
    if (pair.A_RI.size(0) != info.rank) {
      ranks[path] = pair.A_RI.size(0);
    }
    if (std::abs(alpha - info.alpha) > 1e-9 * std::abs(info.alpha)) {
      alphas[path] = number(alpha);
    }
  }
  const auto saved = saved_modules(adapter);
  // In alphabetical order, as PEFT's sort_keys.
  Json config = Json::object();
  config["alpha_pattern"] = alphas;
  config["auto_mapping"] = nullptr;
  config["base_model_name_or_path"] = info.base_model;
  config["bias"] = bias_kind(adapter, saved);
  config["fan_in_fan_out"] = false;
  config["inference_mode"] = true;
  config["init_lora_weights"] = true;
  config["layers_pattern"] = nullptr;
  config["layers_to_transform"] = layers_to_transform(info);
  config["lora_alpha"] = number(info.alpha);
  if (biases) {
    config["lora_bias"] = true;  // old releases do not know the key
  }
  config["lora_dropout"] = info.dropout;
  config["modules_to_save"] = saved.empty() ? Json() : Json(saved);
  config["peft_type"] = "LORA";
  config["r"] = std::max<std::int64_t>(info.rank, 1);
  config["rank_pattern"] = ranks;
  config["revision"] = nullptr;
  config["target_modules"] = target_modules(adapter, info);
  config["task_type"] = "CAUSAL_LM";
  if (!adapter.tokens.empty()) {
    config["trainable_token_indices"] = token_indices(adapter);
  }
  config["use_dora"] = magnitudes;
  config["use_rslora"] = info.rslora;
  return dump_json(config, 2);
}

}  // namespace veer
