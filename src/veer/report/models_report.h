// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include "veer/base/progress.h"
#include "veer/report/report.h"

namespace veer {

// Writes folder/report.html of a study of several models from its
// models.json: claims and effects over models, each model's own verdict, and
// links to the pages of their run folders. Throws Error when the file is
// missing or damaged.
void write_models_report(const std::filesystem::path& folder,
                         const ReportOptions& options, const Monitor& monitor);

}  // namespace veer
