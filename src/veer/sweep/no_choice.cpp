// SPDX-License-Identifier: MIT
#include "veer/sweep/no_choice.h"

#include <fmt/core.h>

namespace veer {

std::string no_choice_reason(const std::string& goal,
                             const SearchedCells& cells, double max_kl) {
  if (cells.tried == 0) {
    return fmt::format(
        "not tried: sweep.operators, scales and layers hold nothing that "
        "serves {} (it takes {}, or an operator that does both)",
        goal, goal == "induction" ? "add" : "subtract");
  }
  if (cells.unbroken == 0) {
    return "no cell left enough unbroken text";
  }
  if (cells.affordable == 0) {
    return fmt::format(
        "each of the {} cells that left enough unbroken text costs more than "
        "sweep.max_kl = {:g} nats",
        cells.unbroken, max_kl);
  }
  return "no cell has an effect that can be told: too few answers have a "
         "label or a score";
}

}  // namespace veer
