// SPDX-License-Identifier: MIT
//
// The same study on every model of [[model]]: a run folder for each,
// FOLDER/models/NAME, and over them FOLDER/models.json.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "veer/base/json.h"
#include "veer/settings/manifest.h"
#include "veer/study/study.h"

namespace veer {

struct ModelsCallbacks {
  // Of each model's study; write_report also writes the page over all.
  StudyCallbacks study;
  // Before each model: its name, its number from 1 on.
  std::function<void(const std::string& name, std::size_t number)> on_model;
  std::function<void(const std::filesystem::path&)> write_models_report;
};

// Runs the stages up to request.last_stage on one model after another; with
// the report as last stage writes models.json and the page over models.
// Returns models.json, or an empty object before the report. Throws Error as
// run_study does; what is finished stays, and a second call continues.
Json run_models_study(const Manifest& manifest, const StudyRequest& request,
                      const ModelsCallbacks& callbacks);

}  // namespace veer
