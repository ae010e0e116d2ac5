// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "veer/model/transformer.h"
#include "veer/study/manifest.h"
#include "veer/text/chat_format.h"

namespace veer {

// A folder in Hugging Face layout. "organism" and "organism:NAME" are the
// checkpoints organism and organism-NAME in models/ beside the sources or
// beside the program (environment variable VEER_MODELS wins). Throws Error if
// it is not there.
std::filesystem::path model_folder(const std::string& path);

// The chat format of that folder, with what the settings change of it.
ChatFormat load_chat_format(const ModelSettings& settings);

// Sets the number of threads (0 = all cores) and loads the model with the
// device and dtype of the settings. Throws Error if there is no such device.
Transformer load_model(const std::filesystem::path& folder,
                       const RunSettings& settings);

}  // namespace veer
