// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

namespace veer {

// The folder that holds a model's files. A folder of the Hugging Face cache
// ("models--org--name", or "snapshots" in it) stands for the snapshot that its
// refs/main names, or the only one it has; any other path is returned as it
// is, whether it exists or not. Throws Error{kBadInput} if the cache folder
// names no snapshot or several without saying which.
std::filesystem::path resolve_model_folder(const std::filesystem::path& path);

}  // namespace veer
