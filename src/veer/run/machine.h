// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "veer/model/transformer.h"
#include "veer/settings/manifest.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// The folder of a model in Hugging Face layout, as find_model_folder() of
// base/model_folder.h finds it: organism, organism:NAME, a path, or org/name.
std::filesystem::path model_folder(const std::string& path);

// The chat format of that folder, with what the settings change of it.
ChatFormat load_chat_format(const ModelSettings& settings);

// Sets the number of threads (0 = all cores) and loads the model with the
// device and dtype of the settings. `on_note` hears what was assumed or
// ignored. Throws Error if there is no such device or dtype.
Transformer load_model(
    const std::filesystem::path& folder, const RunSettings& settings,
    const std::function<void(std::string_view)>& on_note = {});

}  // namespace veer
