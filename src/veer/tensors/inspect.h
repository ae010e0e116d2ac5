// SPDX-License-Identifier: MIT
//
// What is in a file or folder that Veer reads or writes, without torch and
// without trusting it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace veer {

struct InspectedTensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;
  std::string file;  // within a folder
};

// kind: "safetensors", "gguf", "shard index", "json", "json lines" or "text"
// for files; "model", "adapter", "run" or "folder" for folders.
struct Inspection {
  std::string path;
  std::string kind;
  std::uint64_t bytes = 0;
  std::vector<InspectedTensor> tensors;  // of a folder: of all its files
  // Key -> value; of a folder: file -> what its own inspection says.
  std::vector<std::pair<std::string, std::string>> metadata;
  // What a reader would refuse, one message each. Empty = well-formed.
  std::vector<std::string> problems;

  std::uint64_t tensor_bytes() const;
};

// Never throws for what is inside the file; throws Error{kBadInput} only if
// the path does not exist or cannot be read.
Inspection inspect_path(const std::filesystem::path& path);

}  // namespace veer
