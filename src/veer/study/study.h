// SPDX-License-Identifier: MIT
//
// A whole study: its stages in order, in one run folder.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/run/stage.h"
#include "veer/settings/manifest.h"

namespace veer {

// dataset, finetune, extract, compare, sweep, judge (only with judge.further),
// report.
const std::vector<std::string>& stage_names();

struct StudyRequest {
  std::filesystem::path folder;
  // The last stage to run.
  std::string last_stage = "report";
  // Make stages anew that the folder holds with other settings.
  bool redo = false;
  // As typed, for the report.
  std::string command_line;
};

struct StudyCallbacks {
  Monitor monitor;
  // After each stage.
  std::function<void(const StageOutcome&)> on_stage;
  // Writes report.html of the folder (report/ stands above study/).
  std::function<void(const std::filesystem::path&)> write_report;
};

// Runs the stages that are not there yet; finetune only where vectors or the
// sweep need the tuned model (tuned_model.h) or it is the last stage. Throws
// Error as the stages do; what is finished stays. Returns all stages up to the
// last one.
std::vector<StageOutcome> run_study(const Manifest& manifest,
                                    const StudyRequest& request,
                                    const StudyCallbacks& callbacks);

}  // namespace veer
