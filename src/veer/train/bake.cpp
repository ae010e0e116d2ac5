// SPDX-License-Identifier: MIT
#include "veer/train/bake.h"

#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/tokenizer.h"
#include "veer/model/weights.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

constexpr const char* kEmbedding = "model.embed_tokens";
constexpr const char* kHead = "lm_head";

double norm(const at::Tensor& tensor) {
  return at::linalg_vector_norm(tensor, 2.0, std::nullopt, false, at::kDouble)
      .item<double>();
}

bool is_small_text(const fs::path& path) {
  const auto extension = path.extension();
  return (extension == ".json" || extension == ".txt" ||
          extension == ".model" || extension == ".jinja") &&
         !path.filename().string().ends_with(".index.json");
}

// Plain name -> name in the checkpoint, of the language model's tensors.
std::map<std::string, std::string> stored_names(const TensorMap& weights) {
  std::map<std::string, std::string> result;
  for (const auto& [name, tensor] : weights) {
    if (const auto plain = language_model_name(name)) {
      result.emplace(*plain, name);
    }
  }
  return result;
}

using Names = std::map<std::string, std::string>;

std::set<std::string> changed_modules(const Adapter& adapter) {
  std::set<std::string> modules;
  for (const auto& [path, pair] : adapter.pairs) {
    modules.insert(path);
  }
  for (const auto& [name, weight] : adapter.weights) {
    modules.insert(name.substr(0, name.rfind('.')));
  }
  for (const auto& [path, rows] : adapter.tokens) {
    modules.insert(path);
  }
  return modules;
}

// So that embedding and head can differ; names get it as well.
void store_tied_head(TensorMap& weights, Names& names) {
  const std::string embedding = std::string(kEmbedding) + ".weight";
  const std::string head = std::string(kHead) + ".weight";
  const auto it = names.find(embedding);
  if (names.contains(head) || it == names.end()) {
    return;
  }
  std::string stored = it->second;
  stored.replace(stored.size() - embedding.size(), embedding.size(), head);
  weights[stored] = weights.at(it->second);
  names[head] = stored;
}

// Takes a stored head away again if it is the embedding and was none before.
// Whether the head stands by itself only now.
bool drop_tied_copy(const TensorMap& before, TensorMap& after,
                    const Names& names) {
  const auto head = names.find(std::string(kHead) + ".weight");
  if (head == names.end() || before.contains(head->second)) {
    return false;
  }
  const auto& table = after.at(names.at(std::string(kEmbedding) + ".weight"));
  if (at::equal(after.at(head->second), table)) {
    after.erase(head->second);
    return false;
  }
  return true;
}

at::Tensor wide(const at::Tensor& tensor) {
  return tensor.detach().cpu().to(at::kDouble);
}

[[noreturn]] void refuse_shape(const std::string& what) {
  fail("bake", what + " has another shape", "the shape of the model's weight",
       "the adapter belongs to another model");
}

// The pair's part of a weight that the adapter has not replaced.
at::Tensor with_pair(const at::Tensor& W_OI, const LoraPair& pair,
                     const std::string& path) {
  if (W_OI.dim() != 2 || W_OI.size(0) != pair.B_OR.size(0) ||
      W_OI.size(1) != pair.A_RI.size(1)) {
    refuse_shape("the pair of " + path);
  }
  const auto sum_OI =
      W_OI + at::mm(wide(pair.B_OR), wide(pair.A_RI)) * pair.scale;
  if (!pair.magnitude_O.defined()) {
    return sum_OI;
  }
  const auto norm_O1 = at::linalg_vector_norm(sum_OI, 2.0, at::IntArrayRef{1},
                                              /*keepdim=*/true);
  return sum_OI * (wide(pair.magnitude_O).unsqueeze(1) / norm_O1);
}

at::Tensor tuned_weight(const at::Tensor& base, const Adapter& adapter,
                        const std::string& path) {
  at::Tensor exact = wide(base);
  if (const auto it = adapter.weights.find(path + ".weight");
      it != adapter.weights.end()) {
    if (it->second.sizes() != base.sizes()) {
      refuse_shape(it->first);
    }
    exact = wide(it->second);
  }
  if (const auto it = adapter.tokens.find(path); it != adapter.tokens.end()) {
    exact = exact.index_copy(0, at::tensor(it->second.ids, at::kLong),
                             wide(it->second.values_ND));
  }
  if (const auto it = adapter.pairs.find(path); it != adapter.pairs.end()) {
    exact = path == kEmbedding ? with_pair(exact.t(), it->second, path).t()
                               : with_pair(exact, it->second, path);
  }
  return exact;
}

// Undefined: as it is.
at::Tensor tuned_bias(const at::Tensor& base, const Adapter& adapter,
                      const std::string& path) {
  const auto replaced = adapter.weights.find(path + ".bias");
  const auto pair = adapter.pairs.find(path);
  const bool added =
      pair != adapter.pairs.end() && pair->second.bias_O.defined();
  if (replaced == adapter.weights.end() && !added) {
    return {};
  }
  if (!base.defined()) {
    fail("bake", "the model has no " + path + ".bias", {},
         "an adapter with a bias (lora_bias) cannot be merged into it");
  }
  auto exact =
      wide(replaced == adapter.weights.end() ? base : replaced->second);
  return added ? exact + wide(pair->second.bias_O) * pair->second.scale : exact;
}

// Rounds into the weight's dtype and notes what that cost.
void put(const std::string& path, const at::Tensor& exact, at::Tensor& weight,
         BakeResult& result) {
  const double size = norm(exact - wide(weight));
  weight = exact.to(weight.scalar_type()).contiguous();
  result.errors.push_back(
      {path, size == 0.0 ? 0.0 : norm(wide(weight) - exact) / size});
}

void bake_module(const std::string& path, const Adapter& adapter,
                 const Names& names, BakeResult& result) {
  const auto name = names.find(path + ".weight");
  if (name == names.end()) {
    fail("bake", "the model has no weight " + path + ".weight", {},
         "the adapter belongs to another model");
  }
  auto& weight = result.weights.at(name->second);
  put(path, tuned_weight(weight, adapter, path), weight, result);
  const auto bias = names.find(path + ".bias");
  const auto base =
      bias == names.end() ? at::Tensor() : result.weights.at(bias->second);
  if (const auto exact = tuned_bias(base, adapter, path); exact.defined()) {
    put(path + ".bias", exact, result.weights.at(bias->second), result);
  }
}

}  // namespace

BakeResult bake_adapter(const TensorMap& weights, const Adapter& adapter,
                        const Monitor& monitor) {
  const at::NoGradGuard no_grad;
  BakeResult result{.weights = weights, .errors = {}};
  const auto modules = changed_modules(adapter);
  auto names = stored_names(weights);
  if (modules.contains(kEmbedding) || modules.contains(kHead)) {
    store_tied_head(result.weights, names);
  }
  std::int64_t done = 0;
  for (const auto& module : modules) {
    monitor.check_stop("bake");
    bake_module(module, adapter, names, result);
    monitor.progress({.task = "bake",
                      .done = ++done,
                      .total = std::ssize(modules),
                      .unit = "modules",
                      .note = {}});
  }
  result.unties_head = drop_tied_copy(weights, result.weights, names);
  return result;
}

void write_model_folder(const fs::path& folder, const TensorMap& weights,
                        const fs::path& from) {
  make_folder(folder);
  write_safetensors(folder / "model.safetensors", weights);
  if (is_gguf(from)) {
    const GgufModel model = GgufModel::open(from);
    write_file(folder / "tokenizer.json", gguf_tokenizer_json(model));
    write_file(folder / "tokenizer_config.json",
               gguf_tokenizer_config_json(model));
    return;
  }
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file() && is_small_text(entry.path())) {
      write_file(folder / entry.path().filename(), read_file(entry.path()));
    }
  }
}

}  // namespace veer
