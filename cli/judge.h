// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "cli/command.h"
#include "veer/settings/manifest.h"

namespace veer::cli {

struct JudgeOptions {
  std::filesystem::path run;
  SettingFlags flags;                // of [judge], over the run's manifest
  std::optional<std::int64_t> seed;  // of the sample; none = the run's
  // Which judges; none of them = those of judge.further.
  bool self = false;
  bool choice = false;
  bool endpoint = false;
  bool yes = false;  // whatever it costs
  std::filesystem::path sheet_out;
  std::filesystem::path sheet_in;
};

[[gnu::weak]] void run_judge(const JudgeOptions& options, Session& session);

}  // namespace veer::cli
