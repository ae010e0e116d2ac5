// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace veer {

// The select configurations of a vector that could serve a goal, of which none
// was chosen.
struct SearchedCells {
  std::int64_t tried = 0;
  std::int64_t unbroken = 0;    // of these, that left enough text unbroken
  std::int64_t affordable = 0;  // of these, within sweep.max_kl
};

// Why nothing was chosen, in words: nothing was tried, the text broke, all that
// left it whole cost more than `max_kl` nats, or no effect can be told.
std::string no_choice_reason(const std::string& goal,
                             const SearchedCells& cells, double max_kl);

}  // namespace veer
