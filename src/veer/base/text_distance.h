// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace veer {

// The candidate nearest to `word` by edit distance, for "did you mean".
// Empty if none is within a third of the word's length (at least 2 edits).
std::string nearest_name(std::string_view word,
                         std::span<const std::string> candidates);

}  // namespace veer
