// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "cli/command.h"
#include "veer/settings/manifest.h"

namespace veer::cli {

// Shared by study and by every stage that is a verb of its own.
struct StudyOptions {
  std::filesystem::path manifest_file;
  std::string preset;         // of the manifest file, empty = none
  std::filesystem::path out;  // empty = runs/<run.name>
  SettingFlags flags;         // in the order of the manifest
  std::string last_stage;     // where to stop: "dataset" ... "report"
  bool print_manifest = false;
  bool redo = false;
};

// Defaults, manifest file and flags. Without a manifest file the one of an
// existing run folder stands in for it.
Manifest read_manifest(const StudyOptions& options);

// Declares the manifest, --out, short forms (--model, --seed, ...) and one
// flag per key of the manifest (--finetune.rank).
void add_study_options(CLI::App& app, StudyOptions& options);

// Runs the stages up to options.last_stage.
[[gnu::weak]] void run_study(const StudyOptions& options, Session& session);

}  // namespace veer::cli
