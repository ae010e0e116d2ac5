// SPDX-License-Identifier: MIT
#include "veer/train/adapter_files.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/model/weights.h"
#include "veer/tensors/safetensors.h"
#include "veer/train/adapter_config.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kA = ".lora_A.weight";
constexpr std::string_view kB = ".lora_B.weight";

struct Factor {
  std::string path;
  bool is_a = false;
};

Factor parse_name(const std::string& name, const std::string& origin) {
  const bool is_a = name.ends_with(kA);
  if (!name.starts_with(kPrefix) || (!is_a && !name.ends_with(kB))) {
    fail("read adapter", fmt::format("{}: tensor {}", origin, name),
         "base_model.model.<module>.lora_A.weight or .lora_B.weight",
         "an adapter that also trains embeddings, biases or whole modules");
  }
  const std::size_t suffix = kA.size();
  return {name.substr(kPrefix.size(), name.size() - kPrefix.size() - suffix),
          is_a};
}

at::Tensor as_factor(const at::Tensor& tensor, const std::string& name,
                     const std::string& origin) {
  const auto type = tensor.scalar_type();
  if (tensor.dim() != 2 || (type != at::kFloat && type != at::kHalf &&
                            type != at::kBFloat16 && type != at::kDouble)) {
    fail("read adapter",
         fmt::format("{}: tensor {} has {} dimensions and dtype {}", origin,
                     name, tensor.dim(), c10::toString(type)),
         "a floating-point matrix");
  }
  return tensor.to(at::kFloat).clone();  // not tied to the mapped file
}

void check_pair(const std::string& path, const LoraPair& pair,
                const AdapterConfig& config, const std::string& origin) {
  if (!pair.A_RI.defined() || !pair.B_OR.defined()) {
    fail("read adapter",
         fmt::format("{}: {} has lora_{} only", origin, path,
                     pair.A_RI.defined() ? "A" : "B"),
         "both factors", "the file was cut or edited");
  }
  const std::int64_t rank = config.rank(path);
  if (pair.A_RI.size(0) != rank || pair.B_OR.size(1) != rank) {
    fail("read adapter",
         fmt::format("{}: {} has rank {} (A) and {} (B)", origin, path,
                     pair.A_RI.size(0), pair.B_OR.size(1)),
         fmt::format("{} as the configuration says", rank));
  }
  if (config.targets(path) == false) {
    fail("read adapter",
         fmt::format("{}: tensors of {}, which adapter_config.json does not "
                     "target",
                     origin, path),
         {}, "weights and configuration of two adapters were mixed");
  }
}

void check_against_model(const Adapter& adapter, const AdapterConfig& config,
                         const LinearLayers& layers,
                         const std::string& origin) {
  std::set<std::string> known;
  for (const auto& [path, shape] : layers) {
    known.insert(path);
    const auto found = adapter.pairs.find(path);
    if (found == adapter.pairs.end()) {
      if (config.targets(path) == true) {
        fail("read adapter",
             fmt::format("{} has no tensors for {}", origin, path),
             "a pair for every targeted module");
      }
      continue;
    }
    const auto& [out, in] = shape;
    const auto& pair = found->second;
    if (pair.A_RI.size(1) != in || pair.B_OR.size(0) != out) {
      fail("read adapter",
           fmt::format("{}: the pair of {} maps {} to {}", origin, path,
                       pair.A_RI.size(1), pair.B_OR.size(0)),
           fmt::format("{} to {}", in, out),
           "the adapter belongs to another model");
    }
  }
  for (const auto& [path, pair] : adapter.pairs) {
    if (!known.contains(path)) {
      fail("read adapter",
           fmt::format("{}: the model has no linear layer {}", origin, path),
           {}, "the adapter belongs to another model");
    }
  }
}

}  // namespace

std::pair<Adapter, AdapterInfo> read_adapter_files(const fs::path& folder,
                                                   const LinearLayers& layers) {
  const fs::path config_path = folder / "adapter_config.json";
  const fs::path weights_path = folder / "adapter_model.safetensors";
  if (!fs::exists(weights_path) && fs::exists(folder / "adapter_model.bin")) {
    fail("read adapter",
         (folder / "adapter_model.bin").string() +
             " is a pickle, which can "
             "run code",
         "adapter_model.safetensors");
  }
  const auto config = AdapterConfig::parse(
      read_file(config_path, std::uint64_t{1} << 24), config_path.string());
  const std::string origin = weights_path.string();
  Adapter adapter;
  for (const auto& [name, tensor] : read_safetensors(weights_path).tensors) {
    const auto [path, is_a] = parse_name(name, origin);
    LoraPair& pair = adapter.pairs[path];
    (is_a ? pair.A_RI : pair.B_OR) = as_factor(tensor, name, origin);
  }
  if (adapter.pairs.empty()) {
    fail("read adapter", origin + " holds no tensors", "lora_A and lora_B");
  }
  for (auto& [path, pair] : adapter.pairs) {
    check_pair(path, pair, config, origin);
    pair.scale = config.scale(path);
  }
  // PEFT names the modules of the whole model that it was given.
  adapter.pairs = language_model_part(std::move(adapter.pairs));
  if (!layers.empty()) {
    check_against_model(adapter, config, layers, origin);
  }
  return {std::move(adapter), config.info()};
}

void write_adapter(const fs::path& folder, const Adapter& adapter,
                   const AdapterInfo& info) {
  TensorMap tensors;
  for (const auto& [path, pair] : adapter.pairs) {
    const std::string name = std::string(kPrefix) + path;
    tensors[name + std::string(kA)] = pair.A_RI.detach().to(at::kFloat);
    tensors[name + std::string(kB)] = pair.B_OR.detach().to(at::kFloat);
  }
  write_safetensors(folder / "adapter_model.safetensors", tensors);
  write_file(folder / "adapter_config.json",
             adapter_config_json(adapter, info) + "\n");
}

}  // namespace veer
