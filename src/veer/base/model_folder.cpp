// SPDX-License-Identifier: MIT
#include "veer/base/model_folder.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/known_models.h"
#include "veer/base/python_json.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

// What refs/main says; empty if there is no such file.
std::string main_revision(const fs::path& cache) {
  const fs::path ref = cache / "refs" / "main";
  std::error_code ignored;
  if (!fs::exists(ref, ignored)) {
    return {};
  }
  std::string hash = read_file(ref, 4096);
  while (!hash.empty() && (hash.back() == '\n' || hash.back() == ' ')) {
    hash.pop_back();
  }
  // It becomes a part of a path.
  if (hash.empty() ||
      hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    fail("find model", fmt::format("{} holds no revision", ref.string()),
         "the hash of a snapshot", "a broken cache folder");
  }
  return hash;
}

// The snapshot that a folder of the Hugging Face cache stands for.
fs::path snapshot_of(const fs::path& cache) {
  std::error_code ignored;
  const fs::path snapshots = cache / "snapshots";
  if (const std::string hash = main_revision(cache); !hash.empty()) {
    if (!fs::is_directory(snapshots / hash, ignored)) {
      fail("find model", fmt::format("{} lacks {}", snapshots.string(), hash),
           "the snapshot that refs/main names", "an interrupted download");
    }
    return snapshots / hash;
  }
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(snapshots)) {
    found.push_back(entry.path());
  }
  if (found.size() != 1) {
    fail("find model",
         fmt::format("{} holds {} snapshots and no refs/main", cache.string(),
                     found.size()),
         "the folder of one of them");
  }
  return found.front();
}

const char* set_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

fs::path home_folder() {
  const char* home = set_variable("HOME");
  return home == nullptr ? "." : home;
}

// A shell leaves the ~ of a quoted value alone; huggingface_hub does not.
fs::path expanded(const std::string& path) {
  return path == "~" || path.starts_with("~/")
             ? home_folder() /
                   path.substr(std::min<std::size_t>(2, path.size()))
             : fs::path(path);
}

// Whether the text can be a repository of the Hugging Face Hub: "name" or
// "org/name" of letters, digits, '-', '_' and '.', which does not begin like a
// path.
bool is_repository_name(const std::string& text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
           c == '_' || c == '.' || c == '/';
  };
  const auto slash = text.find('/');
  return !text.empty() && std::ranges::all_of(text, allowed) &&
         text.find("..") == std::string::npos && text.front() != '.' &&
         slash != 0 && slash + 1 != text.size() &&
         (slash == std::string::npos ||
          text.find('/', slash + 1) == std::string::npos);
}

std::string quoted_folder(std::string name) {
  const auto slash = name.find('/');
  if (slash != std::string::npos) {
    name.replace(slash, 1, "--");
  }
  return "models--" + name;
}

// The snapshot of a repository in the cache; empty if it is not there.
fs::path cached_snapshot(const std::string& name) {
  const fs::path folder = hub_cache_folder() / quoted_folder(name);
  std::error_code ignored;
  return fs::is_directory(folder / "snapshots", ignored) ? snapshot_of(folder)
                                                         : fs::path();
}

constexpr std::string_view kOrganism = "organism";

bool is_organism(const std::string& name) {
  return name == kOrganism || name.starts_with(std::string(kOrganism) + ":");
}

// The model that an adapter folder was trained on, as far as it says so.
std::string base_model_of(const fs::path& adapter) {
  const fs::path path = adapter / "adapter_config.json";
  const Json config =
      parse_python_json(read_file(path, std::uint64_t{1} << 24), path.string());
  const auto base = config.is_object() ? config.find("base_model_name_or_path")
                                       : config.end();
  return base != config.end() && base->is_string()
             ? base->get<std::string>()
             : std::string("the model it was trained on");
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  std::error_code ignored;
  const std::string name = folder.string();
  const std::string expected =
      "organism, organism:control, smollm2, a folder in Hugging Face layout, "
      "a GGUF file, or org/name of a model in the Hugging Face cache";
  if (fs::exists(folder / "adapter_config.json", ignored)) {
    const std::string base = base_model_of(folder);
    fail("load model", fmt::format("{} is an adapter, not a model", name),
         fmt::format("--model {} and --adapter {}", base, name),
         "an adapter is read on top of its base model");
  }
  if (!fs::exists(folder, ignored)) {
    fail("load model", name + " does not exist", expected, "a mistyped path");
  }
  if (fs::is_regular_file(folder, ignored)) {
    fail("load model", name + " is a file", expected,
         "the folder that holds config.json is meant");
  }
  fail("load model", name + " has no config.json", expected,
       "the folder above or below it is meant");
}

// Whether a folder has weights of its own, or an adapter's.
bool holds_safetensors(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors" ||
        entry.path().filename() == "adapter_config.json" ||
        entry.path().filename() == "model.safetensors.index.json") {
      return true;
    }
  }
  return false;
}

// The GGUF files in a folder that may be models: of a split one the first part,
// and no projectors of images.
std::vector<fs::path> gguf_models_in(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const auto of = name.rfind("-of-");
    const bool is_later_part = of != std::string::npos && of >= 6 &&
                               name[of - 6] == '-' &&
                               name.substr(of - 5, 5) != "00001";
    if (is_gguf(entry.path()) && !name.starts_with("mmproj") &&
        !is_later_part) {
      found.push_back(entry.path());
    }
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

fs::path organisms_folder() {
  if (const char* set = std::getenv("VEER_MODELS")) {
    return set;
  }
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  // build/bin/veer-core in a source tree, or bin/veer-core installed.
  for (fs::path at = program.parent_path(); at.has_relative_path();
       at = at.parent_path()) {
    for (const char* place : {"models", "share/veer/models"}) {
      if (fs::exists(at / place / kOrganism, ec)) {
        return at / place;
      }
    }
  }
  return "models";
}

// As huggingface_hub finds it.
fs::path hub_cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const char* set = set_variable(name)) {
      return expanded(set);
    }
  }
  if (const char* home = set_variable("HF_HOME")) {
    return expanded(home) / "hub";
  }
  if (const char* cache = set_variable("XDG_CACHE_HOME")) {
    return expanded(cache) / "huggingface" / "hub";
  }
  return home_folder() / ".cache" / "huggingface" / "hub";
}

fs::path resolve_model_folder(const fs::path& path) {
  std::error_code ignored;
  std::string name = path.string();
  if (is_organism(name)) {
    std::ranges::replace(name, ':', '-');
    return organisms_folder() / name;
  }
  const KnownModel* known = find_known_model(name);
  if (known != nullptr && !fs::exists(path, ignored)) {
    return fetch_known_model(*known);
  }
  const fs::path plain = path.has_filename() ? path : path.parent_path();
  const fs::path cache =
      plain.filename() == "snapshots" ? plain.parent_path() : plain;
  if (fs::is_directory(cache / "snapshots", ignored) &&
      !fs::exists(path / "config.json", ignored)) {
    return snapshot_of(cache);
  }
  if (fs::exists(path, ignored) || !is_repository_name(name)) {
    return path;
  }
  const fs::path cached = cached_snapshot(name);
  if (cached.empty() && name.find('/') != std::string::npos) {
    fail("find model",
         fmt::format("{} is no path here, and {} does not hold it", name,
                     hub_cache_folder().string()),
         fmt::format("a path that exists, or what was fetched with "
                     "`hf download {}`",
                     name));
  }
  return cached.empty() ? path : cached;
}

bool is_gguf(const fs::path& path) {
  std::error_code ignored;
  return path.extension() == ".gguf" && fs::is_regular_file(path, ignored);
}

fs::path resolve_model(const fs::path& path) {
  fs::path folder = resolve_model_folder(path);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored) || holds_safetensors(folder)) {
    return folder;
  }
  const auto found = gguf_models_in(folder);
  if (found.size() > 1) {
    fail("find model",
         fmt::format("{} holds {} models as GGUF: {} and {}", folder.string(),
                     found.size(), found[0].filename().string(),
                     found[1].filename().string()),
         "the path of one of them");
  }
  return found.empty() ? folder : found.front();
}

fs::path find_model_folder(const fs::path& path) {
  fs::path model = resolve_model(path);
  std::error_code ignored;
  if (!is_gguf(model) && !fs::is_regular_file(model / "config.json", ignored)) {
    refuse_folder(model);
  }
  return model;
}

}  // namespace veer
