// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"

namespace veer {

// What a run folder holds, as far as it has come; null where a stage has not
// run. Read once, shown by every section.
struct RunData {
  std::filesystem::path folder;
  Json manifest;    // manifest.toml
  Json check;       // dataset/check.json
  Json rejected;    // dataset/rejected.jsonl as an array, the first 200
  Json training;    // metrics.jsonl as an array
  Json origin;      // adapter/origin.json, of a ready fine-tuned side
  Json comparison;  // comparison.json
  Json sweep;       // sweep.json
  Json summary;     // summary.json
  Json hypotheses;  // hypotheses.json
  Json judges;      // judges.json, after `veer judge`
};

// Throws Error when `folder` has no manifest.toml or a file is damaged.
RunData read_run_data(const std::filesystem::path& folder);

}  // namespace veer
