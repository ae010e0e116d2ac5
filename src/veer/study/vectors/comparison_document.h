// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <utility>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"

namespace veer {

// The head of comparison.json: the numbers that people look at by layer, and
// everything under "full" (docs/formats/run_folder.md).
Json comparison_document(const Comparison& comparison,
                         std::span<const ComparedVector> compared,
                         const std::pair<std::string, std::string>& primary);

}  // namespace veer
