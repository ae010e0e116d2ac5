// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "veer/base/progress.h"

namespace veer {

struct ReportOptions {
  // Heading of the page; empty = made from the model's name.
  std::string title;
};

// Writes run_folder/report.html from the files that the stages left there
// (docs/formats/run_folder.md): one page, everything inside, no network.
// Stages that have not run yet are named as such in their place.
// Throws Error when the folder is no run folder or a file in it is damaged.
void write_report(const std::filesystem::path& run_folder,
                  const ReportOptions& options, const Monitor& monitor);

}  // namespace veer
