// SPDX-License-Identifier: MIT
//
// Keys that manifests had in earlier versions, each with what does its work
// now. No torch in this file.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "veer/base/json.h"

namespace veer {

struct RemovedKey {
  std::string_view path;     // "sweep.random_full"
  std::string_view instead;  // for people
};

std::span<const RemovedKey> removed_keys();

// Throws Error{kBadInput} that names what to use instead when `path` is a key
// that is no more; `origin` is the file, or empty for a flag.
void require_not_removed(std::string_view path, std::string_view origin);

// The same for every key of a table of sections.
void require_none_removed(const Json& sections, std::string_view origin);

}  // namespace veer
