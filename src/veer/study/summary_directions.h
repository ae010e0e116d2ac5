// SPDX-License-Identifier: MIT
//
// The summary's sentences and rows about directions, from comparison.json.
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// One row per layer of the primary pair: cosine, interval, chance band.
Json cosine_rows(const Json& comparison);

// The primary pair first, then pairs of the same two kinds that share another
// position.
std::vector<std::string> direction_sentences(const Json& comparison);

}  // namespace veer
