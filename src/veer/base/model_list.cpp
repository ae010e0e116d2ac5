// SPDX-License-Identifier: MIT
#include "veer/base/model_list.h"

#include <algorithm>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/known_models.h"
#include "veer/base/model_folder.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_directory(ignored)) {
      found.push_back(at->path());
    }
  }
  std::ranges::sort(found);
  return found;
}

bool holds_model(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / "adapter_config.json", error)) {
    return false;
  }
  if (fs::exists(folder / "config.json", error)) {
    return true;
  }
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (is_gguf(at->path())) {
      return true;
    }
  }
  return false;
}

void add_embedded(std::vector<FoundModel>& out) {
  constexpr std::string_view kBegin = "organism";
  for (const fs::path& folder : folders_in(organisms_folder())) {
    std::string name = folder.filename().string();
    if (!name.starts_with(kBegin) || !holds_model(folder)) {
      continue;
    }
    if (name.size() > kBegin.size()) {
      name[kBegin.size()] = ':';
    }
    out.push_back(
        {name, "embedded", folder, "a made-up world whose truth is known"});
  }
}

void add_known(std::vector<FoundModel>& out) {
  for (const KnownModel& model : known_models()) {
    const fs::path path = known_model_path(model);
    std::error_code ignored;
    const bool is_there = fs::is_regular_file(path, ignored);
    std::string about(model.about);
    if (!is_there) {
      about += fmt::format("; {} MB when first asked for", model.megabytes);
    }
    out.push_back({std::string(model.name),
                   is_there ? "fetched" : "not fetched", path,
                   std::move(about)});
  }
}

void add_cached(std::vector<FoundModel>& out) {
  constexpr std::string_view kBegin = "models--";
  for (const fs::path& folder : folders_in(hub_cache_folder())) {
    std::string name = folder.filename().string();
    if (!name.starts_with(kBegin)) {
      continue;
    }
    name.erase(0, kBegin.size());
    if (const auto parts = name.find("--"); parts != std::string::npos) {
      name.replace(parts, 2, "/");
    }
    try {
      const fs::path snapshot = resolve_model_folder(folder);
      if (holds_model(snapshot)) {
        out.push_back({name, "hub cache", snapshot, ""});
      }
    } catch (const Error&) {  // told when it is asked for
    }
  }
}

}  // namespace

std::vector<FoundModel> list_models() {
  std::vector<FoundModel> out;
  add_embedded(out);
  add_known(out);
  add_cached(out);
  return out;
}

}  // namespace veer
