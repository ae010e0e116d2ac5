// SPDX-License-Identifier: MIT
//
// Models that have a name here and lie in a folder of the user's once they were
// asked for: $VEER_CACHE/models, else $XDG_CACHE_HOME/veer/models, else
// ~/.cache/veer/models. tools/fetch_model.py says where they come from.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace veer {

struct KnownModel {
  std::string_view name;  // as --model takes it
  std::string_view file;
  int megabytes = 0;       // to download
  std::string_view about;  // for a person
};

std::span<const KnownModel> known_models();

// Null for a name that is none of theirs.
const KnownModel* find_known_model(std::string_view name);

// Where the file lies, or will.
std::filesystem::path known_model_path(const KnownModel& model);

// The file, fetched if it is not there: tools/fetch_model.py is run, which says
// on standard error how much it downloads. Throws Error{kFailed} with what
// it found where it fails; nothing is then left behind.
std::filesystem::path fetch_known_model(const KnownModel& model);

}  // namespace veer
