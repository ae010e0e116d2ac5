// SPDX-License-Identifier: MIT
//
// What can be known to be wrong before any work is done: a study that trains
// for an hour must not end at a layer that its model has not.
#pragma once

#include <filesystem>
#include <string>

#include "veer/settings/manifest.h"

namespace veer {

// All throw Error{kBadInput}.

// Results whose store, which says how they were made, is gone: going on would
// make the study again over them. Asked for with `redo` it is done.
void require_store(const std::filesystem::path& folder, bool redo);

// model.finetuned and model.finetuned_honest hold different weights. Both have
// to be readable.
void require_two_models(const ModelSettings& model);

// Every layer that a study up to `last_stage` uses is one of the model in
// `folder`, read from its config.json: of extract, and where it comes to the
// sweep of that, with the lines of its grid and the report's table.
void require_layers(const Manifest& manifest,
                    const std::filesystem::path& folder,
                    const std::string& last_stage);

}  // namespace veer
