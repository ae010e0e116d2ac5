// SPDX-License-Identifier: MIT
//
// LoRA adapters in the layout of PEFT: adapter_config.json and
// adapter_model.safetensors. Keys, rules and refusals:
// docs/formats/adapters.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "veer/model/adapter.h"
#include "veer/train/adapter_info.h"

namespace veer {

// Path and (out, in) of each linear layer, as Transformer::linear_layers().
using LinearLayers =
    std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>>;

// Reads a folder. Each pair's scale is its own alpha / rank (or alpha /
// sqrt(rank)), patterns included. `layers`, when given, is what the tensors
// are held against: a path that the model lacks, a wrong shape, or a targeted
// layer without its pair is an error. Throws Error{kBadInput} naming the key
// or tensor: a method other than plain LoRA (DoRA, bias, QA-LoRA, aLoRA, ...),
// adapter_model.bin, a tensor without its partner, a rank that disagrees with
// the configuration.
std::pair<Adapter, AdapterInfo> read_adapter_files(
    const std::filesystem::path& folder, const LinearLayers& layers = {});
inline Adapter read_adapter(const std::filesystem::path& folder,
                            const LinearLayers& layers = {}) {
  return read_adapter_files(folder, layers).first;
}

// Writes the folder so that PEFT loads it. Factors are stored in fp32. A pair
// whose rank or scale differs from `info` gets an entry in rank_pattern or
// alpha_pattern. The two files are each replaced atomically, weights first.
void write_adapter(const std::filesystem::path& folder, const Adapter& adapter,
                   const AdapterInfo& info);

}  // namespace veer
