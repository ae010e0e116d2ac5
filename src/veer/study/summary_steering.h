// SPDX-License-Identifier: MIT
//
// The summary's sentences about what steers, and its rows about where text
// breaks, from sweep.json.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

// What serves a goal best, beside random vectors and, of a fine-tuned vector,
// its twin; what the vectors of the primary pair do that are not that one. That
// nothing serves it is said only where intervals show it; otherwise that it is
// not told from random vectors.
std::string steering_sentence(const Json& comparison, const Json& sweep,
                              const std::string& goal);

// Smallest scale in units of the residual norm at which the text of each
// vector breaks, over layers, on the base model.
// Null where no such scale was tried.
Json break_rows(const Json& sweep);

}  // namespace veer
