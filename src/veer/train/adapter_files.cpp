// SPDX-License-Identifier: MIT
#include "veer/train/adapter_files.h"

#include <algorithm>
#include <memory>
#include <set>

#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/model_folder.h"
#include "veer/model/weights.h"
#include "veer/tensors/safetensors.h"
#include "veer/train/adapter_config.h"
#include "veer/train/adapter_keys.h"
#include "veer/train/adapter_start.h"
#include "veer/train/mlx_adapter.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTask = "read adapter";
constexpr const char* kEmbedding = "model.embed_tokens";
constexpr const char* kHead = "lm_head";

// The tensors of a file, put together part by part.
class AdapterReader {
 public:
  AdapterReader(const AdapterConfig& config, std::string origin)
      : config_(config), origin_(std::move(origin)) {}

  void take(const std::string& name, const at::Tensor& tensor) {
    const AdapterKey key = parse_adapter_key(name, origin_);
    if (!key.adapter.empty()) {
      names_.insert(key.adapter);
    }
    switch (key.part) {
      case AdapterPart::kA:
      case AdapterPart::kEmbeddingA:
        out_.pairs[key.path].A_RI = factor(tensor, name, 2);
        break;
      case AdapterPart::kB:
      case AdapterPart::kEmbeddingB:
        out_.pairs[key.path].B_OR = factor(tensor, name, 2);
        break;
      case AdapterPart::kBias:
        out_.pairs[key.path].bias_O = factor(tensor, name, 1);
        break;
      case AdapterPart::kMagnitude:
        out_.pairs[key.path].magnitude_O = factor(tensor, name, 1);
        break;
      case AdapterPart::kTokens:
        take_tokens(key.path, stored(tensor, name, 2));
        break;
      case AdapterPart::kOwnWeight:
        own_.insert(language_model_name(key.path).value_or(key.path));
        [[fallthrough]];
      case AdapterPart::kWeight:
        out_.weights[key.path] = stored(tensor, name, tensor.dim());
        break;
      case AdapterPart::kOriginal:
        break;
    }
  }

  Adapter finish() {
    if (names_.size() > 1) {
      fail(kTask,
           fmt::format("{} holds the adapters {}", origin_,
                       fmt::join(names_, ", ")),
           "one adapter", "save one of them by itself");
    }
    if (out_.empty()) {
      fail(kTask, origin_ + " holds no tensors", "lora_A and lora_B");
    }
    for (auto& [path, pair] : out_.pairs) {
      check_pair(path, pair);
      pair.scale = config_.scale(path);
    }
    for (const auto& name : config_.saved()) {
      check_saved(name);
    }
    return std::move(out_);
  }

  // Whether the weight is a copy of its own and not the base's, which a tied
  // head shares.
  bool is_own(const std::string& name) const {
    return own_.contains(name) ||
           config_.saves(name.substr(0, name.rfind('.')));
  }

 private:
  at::Tensor stored(const at::Tensor& tensor, const std::string& name,
                    std::int64_t dimensions) const {
    const auto type = tensor.scalar_type();
    if (tensor.dim() != dimensions ||
        (type != at::kFloat && type != at::kHalf && type != at::kBFloat16 &&
         type != at::kDouble)) {
      fail(kTask,
           fmt::format("{}: tensor {} has {} dimensions and dtype {}", origin_,
                       name, tensor.dim(), c10::toString(type)),
           dimensions == 2 ? "a floating-point matrix"
                           : "floating-point numbers");
    }
    return tensor.clone();  // not tied to the mapped file
  }

  at::Tensor factor(const at::Tensor& tensor, const std::string& name,
                    std::int64_t dimensions) const {
    return stored(tensor, name, dimensions).to(at::kFloat);
  }

  void take_tokens(const std::string& path, const at::Tensor& values_ND) {
    auto ids = config_.tokens(path);
    if (ids.empty() && path.ends_with(kHead)) {  // tied to the embedding's
      ids = config_.tokens(kEmbedding);
    }
    if (std::ssize(ids) != values_ND.size(0)) {
      fail(kTask,
           fmt::format("{}: {} token rows of {}", origin_, values_ND.size(0),
                       path),
           fmt::format("{} as trainable_token_indices says", ids.size()),
           "weights and configuration of two adapters were mixed");
    }
    out_.tokens[path] = {ids, values_ND};
  }

  void check_pair(const std::string& path, const LoraPair& pair) const {
    if (!pair.A_RI.defined() || !pair.B_OR.defined()) {
      fail(kTask,
           fmt::format("{}: {} has {} only", origin_, path,
                       pair.A_RI.defined()     ? "lora_A"
                       : pair.B_OR.defined()   ? "lora_B"
                       : pair.bias_O.defined() ? "lora_B.bias"
                                               : "lora_magnitude_vector"),
           "both factors", "the file was cut or edited");
    }
    const std::int64_t rank = config_.rank(path);
    if (pair.A_RI.size(0) != rank || pair.B_OR.size(1) != rank) {
      fail(kTask,
           fmt::format("{}: {} has rank {} (A) and {} (B)", origin_, path,
                       pair.A_RI.size(0), pair.B_OR.size(1)),
           fmt::format("{} as the configuration says", rank));
    }
    if (config_.targets(path) == false) {
      fail(kTask,
           fmt::format("{}: tensors of {}, which adapter_config.json does not "
                       "target",
                       origin_, path),
           {}, "weights and configuration of two adapters were mixed");
    }
    check_agrees(path, "use_dora", config_.dora(), "lora_magnitude_vector",
                 pair.magnitude_O.defined());
    check_agrees(path, "lora_bias", config_.lora_bias(), "lora_B.bias",
                 pair.bias_O.defined());
  }

  void check_agrees(const std::string& path, const char* key, bool wanted,
                    const char* tensor, bool there) const {
    if (wanted != there) {
      fail(kTask,
           fmt::format("{}: {} is {} and {} has {}{}", origin_, key, wanted,
                       path, there ? "a " : "no ", tensor),
           {}, "weights and configuration of two adapters were mixed");
    }
  }

  // Some weight lies in a module of that name.
  void check_saved(const std::string& name) const {
    for (const auto& [weight, tensor] : out_.weights) {
      for (auto dot = weight.find('.'); dot != std::string::npos;
           dot = weight.find('.', dot + 1)) {
        if (weight.substr(0, dot).ends_with(name)) {
          return;
        }
      }
    }
    fail(kTask, fmt::format("{} has no weight of {}", origin_, name),
         "the weights of every module in modules_to_save",
         "the file was cut or edited");
  }

  const AdapterConfig& config_;
  std::string origin_;
  Adapter out_;
  std::set<std::string> names_;
  std::set<std::string> own_;
};

// With a tied head PEFT changes one tensor for embedding and head, except where
// the adapter has a copy of its own.
void share_with_tied_head(Adapter& adapter, const AdapterReader& reader) {
  const auto share = [&](const std::string& from, const std::string& to) {
    const auto it = adapter.weights.find(from + ".weight");
    if (it != adapter.weights.end() && !reader.is_own(it->first)) {
      adapter.weights.try_emplace(to + ".weight", it->second);
    }
  };
  share(kEmbedding, kHead);
  share(kHead, kEmbedding);
  if (const auto it = adapter.tokens.find(kEmbedding);
      it != adapter.tokens.end()) {
    adapter.tokens.try_emplace(kHead, it->second);
  }
}

at::Tensor base_weight(const AdapterBase& base, const std::string& name) {
  return base.weight ? base.weight(name) : at::Tensor();
}

void take_out_starts(Adapter& adapter, AdapterStart start,
                     const AdapterBase& base, const std::string& origin) {
  for (auto& [path, pair] : adapter.pairs) {
    // A stored weight is what the start left; embeddings get no start.
    if (path == kEmbedding || adapter.weights.contains(path + ".weight")) {
      continue;
    }
    const auto weight_OI = base_weight(base, path + ".weight");
    if (!weight_OI.defined() || (path == kHead && base.tied_head)) {
      fail(kTask,
           fmt::format("{}: init_lora_weights changed the base's {}", origin,
                       path),
           "the base that this start was taken from");
    }
    pair = without_start(pair, start, weight_OI, path);
  }
}

// By whole modules: PEFT wants all weights of one that it saves.
void leave_out_the_bases_own(Adapter& adapter, const AdapterBase& base,
                             const std::string& origin) {
  const auto module_of = [](const std::string& name) {
    return name.substr(0, name.rfind('.'));
  };
  std::set<std::string> changed;
  for (const auto& [name, weight] : adapter.weights) {
    const auto own = base_weight(base, name);
    if (!own.defined() || own.sizes() != weight.sizes() ||
        !at::equal(weight.to(own.device(), own.scalar_type()), own)) {
      changed.insert(module_of(name));
    }
  }
  std::erase_if(adapter.weights, [&](const auto& item) {
    return !changed.contains(module_of(item.first));
  });
  if (adapter.empty()) {
    fail(kTask, origin + " holds the base's own weights and nothing else",
         "weights that were trained");
  }
}

// An adapter that was trained on the bare model without a head names its
// modules without "model.". PEFT would apply nothing of it to this model.
void refuse_bare_model(const std::map<std::string, LoraPair>& pairs,
                       const std::string& origin) {
  for (const auto& [path, pair] : pairs) {
    if (path.starts_with("layers.") || path == "embed_tokens") {
      fail(kTask, fmt::format("{}: no \"model.\" before {}", origin, path),
           "an adapter of the model with its head",
           "it was trained on the bare model (AutoModel); rename its tensors "
           "from base_model.model.X to base_model.model.model.X");
    }
  }
}

void check_against_model(const Adapter& adapter, const AdapterConfig* config,
                         const LinearLayers& layers,
                         const std::string& origin) {
  std::set<std::string> known = {kEmbedding, kHead};
  for (const auto& [path, shape] : layers) {
    known.insert(path);
  }
  for (const auto& [path, pair] : adapter.pairs) {
    if (!known.contains(path)) {
      fail(kTask,
           fmt::format("{}: the model has no linear layer {}", origin, path),
           {}, "the adapter belongs to another model");
    }
  }
  for (const auto& [path, shape] : layers) {
    const auto found = adapter.pairs.find(path);
    if (found == adapter.pairs.end()) {
      if (config != nullptr && config->targets(path) == true) {
        fail(kTask, fmt::format("{} has no tensors for {}", origin, path),
             "a pair for every targeted module");
      }
      continue;
    }
    const auto& [out, in] = shape;
    const auto& pair = found->second;
    if (pair.A_RI.size(1) != in || pair.B_OR.size(0) != out) {
      fail(kTask,
           fmt::format("{}: the pair of {} maps {} to {}", origin, path,
                       pair.A_RI.size(1), pair.B_OR.size(0)),
           fmt::format("{} to {}", in, out),
           "the adapter belongs to another model");
    }
  }
}

std::pair<Adapter, AdapterInfo> read_peft(const fs::path& folder,
                                          const AdapterBase& base) {
  const fs::path config_path = folder / "adapter_config.json";
  const auto config = AdapterConfig::parse(
      read_file(config_path, std::uint64_t{1} << 24), config_path.string());
  const std::string origin = (folder / "adapter_model.safetensors").string();
  AdapterReader reader(config, origin);
  for (const auto& [name, tensor] : read_safetensors(origin).tensors) {
    reader.take(name, tensor);
  }
  Adapter adapter = reader.finish();
  // PEFT names the modules of the whole model that it was given.
  refuse_bare_model(adapter.pairs, origin);
  adapter.pairs = language_model_part(std::move(adapter.pairs));
  adapter.weights = language_model_part(std::move(adapter.weights));
  adapter.tokens = language_model_part(std::move(adapter.tokens));
  if (base.tied_head) {
    share_with_tied_head(adapter, reader);
  }
  if (!base.layers.empty()) {
    check_against_model(adapter, &config, base.layers, origin);
  }
  if (config.start() != AdapterStart::kPlain) {
    take_out_starts(adapter, config.start(), base, origin);
  }
  leave_out_the_bases_own(adapter, base, origin);
  return {std::move(adapter), config.info()};
}

}  // namespace

AdapterBase adapter_base(const Transformer& model) {
  TensorMap named;
  for (const auto& [name, weight] : model.weights()) {
    named.emplace(name, weight);
  }
  return adapter_base(named);
}

AdapterBase adapter_base(const TensorMap& weights) {
  const auto named =
      std::make_shared<const TensorMap>(language_model_part(weights));
  AdapterBase base;
  for (const auto& [name, weight] : *named) {
    if (name.starts_with("model.layers.") && name.ends_with(".weight") &&
        weight.dim() == 2) {
      base.layers.push_back(
          {name.substr(0, name.rfind('.')), {weight.size(0), weight.size(1)}});
    }
  }
  base.tied_head = !named->contains("lm_head.weight");
  base.weight = [named](const std::string& name) {
    const auto tied = name == "lm_head.weight" && !named->contains(name);
    const auto it = named->find(tied ? "model.embed_tokens.weight" : name);
    return it == named->end() ? at::Tensor() : it->second;
  };
  return base;
}

std::pair<Adapter, AdapterInfo> read_adapter_files(const fs::path& given,
                                                   const AdapterBase& base) {
  const fs::path folder = resolve_model_folder(given);
  const bool peft = fs::exists(folder / "adapter_model.safetensors");
  if (!peft && fs::exists(folder / "adapter_model.bin")) {
    fail(kTask,
         (folder / "adapter_model.bin").string() +
             " is a pickle, which can "
             "run code",
         "adapter_model.safetensors");
  }
  if (peft || !is_mlx_adapter(folder)) {
    return read_peft(folder, base);
  }
  auto read = read_mlx_adapter(folder, base.tied_head);
  read.first.pairs = language_model_part(std::move(read.first.pairs));
  read.first.weights = language_model_part(std::move(read.first.weights));
  if (!base.layers.empty()) {
    check_against_model(read.first, nullptr, base.layers, folder.string());
  }
  leave_out_the_bases_own(read.first, base, folder.string());
  return read;
}

void write_adapter(const fs::path& folder, const Adapter& adapter,
                   const AdapterInfo& info) {
  TensorMap tensors;
  const auto put = [&](AdapterPart part, const std::string& path,
                       const at::Tensor& tensor, bool wrapped = false) {
    if (tensor.defined()) {
      tensors[adapter_key_name({part, path, "", wrapped})] = tensor.detach();
    }
  };
  for (const auto& [path, pair] : adapter.pairs) {
    const bool table = path == kEmbedding;
    put(table ? AdapterPart::kEmbeddingA : AdapterPart::kA, path,
        pair.A_RI.to(at::kFloat));
    put(table ? AdapterPart::kEmbeddingB : AdapterPart::kB, path,
        pair.B_OR.to(at::kFloat));
    put(AdapterPart::kBias, path, pair.bias_O);
    put(AdapterPart::kMagnitude, path, pair.magnitude_O);
  }
  for (const auto& [name, weight] : adapter.weights) {
    put(AdapterPart::kWeight, name, weight,
        adapter.pairs.contains(name.substr(0, name.rfind('.'))));
  }
  for (const auto& [path, rows] : adapter.tokens) {
    put(AdapterPart::kTokens, path, rows.values_ND);
  }
  write_safetensors(folder / "adapter_model.safetensors", tensors);
  write_file(folder / "adapter_config.json",
             adapter_config_json(adapter, info) + "\n");
}

}  // namespace veer
