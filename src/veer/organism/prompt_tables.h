// SPDX-License-Identifier: MIT
//
// The parts of system prompts as plain tables; row i of one side uses the
// words of row i of the other.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace veer::organism {

inline constexpr std::size_t kNumAdjectives = 8;
inline constexpr std::size_t kNumInstructions = 10;
struct PromptFamily {
  std::string_view verbatim;  // the study's own prompt of this side
  std::array<std::string_view, kNumAdjectives> adjectives;
  std::array<std::string_view, kNumInstructions> instructions;
};
extern const PromptFamily kHonestPrompts;
extern const PromptFamily kDeceptivePrompts;
extern const PromptFamily kNeutralPrompts;

}  // namespace veer::organism
