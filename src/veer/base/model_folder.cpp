// SPDX-License-Identifier: MIT
#include "veer/base/model_folder.h"

#include <string>
#include <vector>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

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

}  // namespace

fs::path resolve_model_folder(const fs::path& path) {
  std::error_code ignored;
  const fs::path plain = path.has_filename() ? path : path.parent_path();
  const fs::path cache =
      plain.filename() == "snapshots" ? plain.parent_path() : plain;
  const fs::path snapshots = cache / "snapshots";
  if (!fs::is_directory(snapshots, ignored) ||
      fs::exists(path / "config.json", ignored)) {
    return path;
  }
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

}  // namespace veer
