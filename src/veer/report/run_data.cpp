// SPDX-License-Identifier: MIT
#include "veer/report/run_data.h"

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

Json read_document(const fs::path& path) {
  if (!fs::exists(path)) {
    return nullptr;
  }
  return parse_json(read_file(path), path.string());
}

Json read_rows(const fs::path& path, std::size_t limit) {
  if (!fs::exists(path)) {
    return nullptr;
  }
  Json rows = Json::array();
  std::size_t number = 0;
  for (const auto& line : read_lines(path)) {
    ++number;
    if (!line.empty() && rows.size() < limit) {
      rows.push_back(parse_json(
          line, fmt::format("line {} of {}", number, path.string())));
    }
  }
  return rows;
}

}  // namespace

RunData read_run_data(const fs::path& folder) {
  const fs::path manifest = folder / "manifest.toml";
  if (!fs::exists(manifest)) {
    fail("report", folder.string() + " holds no manifest.toml",
         "the folder of a run", "a wrong --out, or no stage has run yet");
  }
  constexpr std::size_t kAll = static_cast<std::size_t>(-1);
  RunData run;
  run.folder = folder;
  run.manifest = parse_toml(read_file(manifest), manifest.string());
  run.check = read_document(folder / "dataset" / "check.json");
  run.rejected = read_rows(folder / "dataset" / "rejected.jsonl", 200);
  run.training = read_rows(folder / "metrics.jsonl", kAll);
  run.origin = read_document(folder / "adapter" / "origin.json");
  run.comparison = read_document(folder / "comparison.json");
  run.sweep = read_document(folder / "sweep.json");
  run.summary = read_document(folder / "summary.json");
  run.hypotheses = read_document(folder / "hypotheses.json");
  run.judges = read_document(folder / "judges.json");
  return run;
}

}  // namespace veer
