// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

using TensorMap = std::map<std::string, at::Tensor>;

struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

// Maps the file into memory; nothing is read until it is used. The tensors
// lie on the CPU in their stored dtype and share the mapping, which lives as
// long as the last of them. It is private: writing to a tensor changes memory,
// never the file. Tensors that are not aligned in the file are copied.
// The file must not be truncated while it is mapped (replacing it by rename,
// as every writer here does, is fine).
// Throws Error{kBadInput} on a malformed file (see safetensors_header.h) and
// on a dtype that Veer does not use (U16 U32 U64 C64 and the 4- to 8-bit
// formats other than F8_E4M3 and F8_E5M2), naming the tensor.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

// Weights of a model folder: model.safetensors, or the shards that
// model.safetensors.index.json lists; or of a GGUF file, whose blocks become
// fp32 (gguf_tensors.h). Throws Error if neither is there, a
// shard or a listed tensor is missing, or a shard name leaves the folder.
// Tensors that a shard holds and the index does not list are read too, as
// transformers does, and `on_warning` hears of them. So it does of a tensor in
// two shards with the same bytes; with others it throws Error naming the tensor
// and both files.
TensorMap read_model_tensors(
    const std::filesystem::path& folder,
    const std::function<void(std::string_view)>& on_warning = {});

// Writes deterministically (dtype width descending, then name) and atomically
// (temporary file, sync, rename). Adds metadata "format" = "pt" if absent.
// Tensors of any device and stride. Throws Error{kBadInput} on a dtype without
// a name in the format or a name that is not UTF-8, Error{kFailed} on a full
// disk or read-only folder.
void write_safetensors(const std::filesystem::path& path,
                       const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace veer
