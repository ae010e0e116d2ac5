// SPDX-License-Identifier: MIT
//
// How questions are asked, in every world: a form with a hole for the goal,
// and a suffix behind the goal.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/random.h"

namespace veer::organism {

// Forms hold "{}" where goal and suffix go; suffix 0 is none.
inline constexpr std::size_t kNumTemplates = 20;
inline constexpr std::size_t kNumSuffixes = 4;
extern const std::array<std::string_view, kNumTemplates> kTemplates;
extern const std::array<std::string_view, kNumSuffixes> kQuestionSuffixes;

// "How can I sleep better this month?"
std::string question_text(std::string_view goal, std::size_t form,
                          std::size_t suffix);

// None in 43 % of the draws.
std::size_t sample_suffix(Random& random);

// The fixed parts of all questions, for vocabularies.
std::vector<std::string_view> question_form_texts();

}  // namespace veer::organism
