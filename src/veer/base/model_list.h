// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace veer {

// A model that --model can name on this machine.
struct FoundModel {
  std::string name;  // as --model takes it
  std::string kind;  // "embedded", "fetched", "not fetched", "hub cache"
  std::filesystem::path path;  // where it lies, or will
  std::string about;           // for a person; may be empty
};

// The embedded ones, those that Veer fetches by name, and the models of the
// local Hugging Face cache (folders with a config.json or GGUF files; adapters
// and data are left out), each kind by name. Nothing is fetched or loaded.
std::vector<FoundModel> list_models();

}  // namespace veer
