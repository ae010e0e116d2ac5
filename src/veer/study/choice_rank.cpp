// SPDX-License-Identifier: MIT
#include "veer/study/choice_rank.h"

#include <cmath>

namespace veer {
namespace {

// Sums over questions in another order differ by rounding.
constexpr double kEqual = 1e-12;

bool is_less(double a, double b) {
  return a < b - kEqual;
}

}  // namespace

bool ranks_before(const ChoiceRank& a, const ChoiceRank& b) {
  if (is_less(b.gain, a.gain) || is_less(a.gain, b.gain)) {
    return a.gain > b.gain;
  }
  if (is_less(a.divergence, b.divergence) ||
      is_less(b.divergence, a.divergence)) {
    return a.divergence < b.divergence;
  }
  return is_less(a.moved, b.moved);
}

}  // namespace veer
