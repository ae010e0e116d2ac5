// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "veer/base/json.h"
#include "veer/tensors/inspect.h"

namespace veer::cli {

struct InspectOptions {
  std::filesystem::path path;
  std::int64_t tensors = 20;  // listed in text; --json lists all
};

// What is said beyond the Inspection: of a model, whether it can be run.
struct InspectFindings {
  Json json = Json::object();      // further members of the document
  std::vector<std::string> lines;  // the same for people
  std::vector<std::string> notes;
};

// Prints, and throws the first problem as an Error{kBadInput}.
void show_inspection(const Inspection& inspection,
                     const InspectFindings& findings,
                     const InspectOptions& options, Session& session);

// Of a model folder, which needs the loader's own checks.
[[gnu::weak]] void run_inspect(const InspectOptions& options, Session& session);

}  // namespace veer::cli
