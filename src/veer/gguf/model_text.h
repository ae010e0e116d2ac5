// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace veer {

// The config.json of a model, and the file that messages name for it.
struct ModelText {
  std::string text;
  std::string origin;
};

// `model`: a folder with a config.json, or a GGUF file, whose metadata amount
// to one (gguf/config.h). Throws Error{kBadInput}.
ModelText read_config_text(const std::filesystem::path& model);

}  // namespace veer
