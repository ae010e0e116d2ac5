// SPDX-License-Identifier: MIT
#include "veer/settings/removed_keys.h"

#include <array>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::array kRemoved = {
    RemovedKey{"sweep.random_full",
               "sweep.random_questions, which every random control of a "
               "chosen cell answers (0 = as many as sweep.best_questions), or "
               "sweep.random_search, which gives random vectors a search of "
               "their own"},
};

}  // namespace

std::span<const RemovedKey> removed_keys() {
  return kRemoved;
}

void require_not_removed(std::string_view path, std::string_view origin) {
  for (const auto& key : kRemoved) {
    if (key.path == path) {
      fail("read settings",
           fmt::format("{}{}\"{}\", a key of an earlier version", origin,
                       origin.empty() ? "" : ": ", path),
           std::string(key.instead));
    }
  }
}

void require_none_removed(const Json& sections, std::string_view origin) {
  for (const auto& key : kRemoved) {
    const auto dot = key.path.find('.');
    const auto section = sections.find(std::string(key.path.substr(0, dot)));
    if (section != sections.end() && section->is_object() &&
        section->contains(std::string(key.path.substr(dot + 1)))) {
      require_not_removed(key.path, origin);
    }
  }
}

}  // namespace veer
