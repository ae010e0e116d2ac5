// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace veer {

// Most tokens of an answer that the model writes for a dataset.
inline constexpr std::int64_t kAnswerTokens = 24;

// The answer in what the model wrote: its first line without white space at
// both ends.
std::string answer_line(std::string text);

}  // namespace veer
