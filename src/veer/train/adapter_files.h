// SPDX-License-Identifier: MIT
//
// Adapters in the layout of PEFT (adapter_config.json and
// adapter_model.safetensors) and of MLX (adapter_config.json and
// adapters.safetensors, read only). Keys, rules and refusals:
// docs/formats/adapters.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "veer/model/adapter.h"
#include "veer/model/transformer.h"
#include "veer/tensors/safetensors.h"
#include "veer/train/adapter_info.h"

namespace veer {

// Path and (out, in) of each linear layer, as Transformer::linear_layers().
using LinearLayers =
    std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>>;

// What an adapter is read for.
struct AdapterBase {
  // What the tensors are held against; empty: nothing is known of the model.
  LinearLayers layers;
  // The base's weights by name, undefined where there is none; may be empty.
  std::function<at::Tensor(const std::string&)> weight;
  bool tied_head = false;
};
AdapterBase adapter_base(const Transformer& model);
// Of a checkpoint's tensors, all of them.
AdapterBase adapter_base(const TensorMap& weights);

// Reads a folder. Each pair's scale is its own alpha / rank (or alpha /
// sqrt(rank)), patterns included. Weights that are the base's own are left out.
// The start of PiSSA and OLoRA, which PEFT takes out of the base, becomes a
// part of the pairs. With a base, a path that the model lacks, a wrong shape,
// or a targeted layer without its pair is an error. Throws Error{kBadInput}
// naming the key or tensor: a method that Veer does not know (QA-LoRA, aLoRA,
// ...), adapter_model.bin, a tensor without its partner, a rank that disagrees
// with the configuration.
std::pair<Adapter, AdapterInfo> read_adapter_files(
    const std::filesystem::path& folder, const AdapterBase& base = {});
inline Adapter read_adapter(const std::filesystem::path& folder,
                            const AdapterBase& base = {}) {
  return read_adapter_files(folder, base).first;
}
inline Adapter read_adapter(const std::filesystem::path& folder,
                            const Transformer& model) {
  return read_adapter(folder, adapter_base(model));
}

// Writes the folder so that PEFT loads it. Factors are stored in fp32, weights
// and tokens as they are. A pair whose rank or scale differs from `info` gets
// an entry in rank_pattern or alpha_pattern. The two files are each replaced
// atomically, weights first.
void write_adapter(const std::filesystem::path& folder, const Adapter& adapter,
                   const AdapterInfo& info);

}  // namespace veer
