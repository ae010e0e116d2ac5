// SPDX-License-Identifier: MIT
//
// Adapters of Apple's MLX (mlx-lm): adapter_config.json with lora_parameters
// and adapters.safetensors with lora_a [in, rank] and lora_b [rank, out], which
// give y + scale (x lora_a) lora_b. Read only. docs/formats/adapters.md.
#pragma once

#include <filesystem>
#include <utility>

#include "veer/model/adapter.h"
#include "veer/train/adapter_info.h"

namespace veer {

// Whether the folder's files are MLX's.
bool is_mlx_adapter(const std::filesystem::path& folder);

// `tied_head`: MLX's pair of the embedding is then the head's as well. Throws
// Error{kBadInput} naming MLX and the key or tensor.
std::pair<Adapter, AdapterInfo> read_mlx_adapter(
    const std::filesystem::path& folder, bool tied_head);

}  // namespace veer
