// SPDX-License-Identifier: MIT
#include "veer/results/choice_rank.h"

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
  const bool acts = is_less(0.0, a.gain);
  if (!acts && a.whole != b.whole) {
    return a.whole;
  }
  const auto& milder = acts ? a : b;
  const auto& stronger = acts ? b : a;
  if (is_less(milder.divergence, stronger.divergence) ||
      is_less(stronger.divergence, milder.divergence)) {
    return milder.divergence < stronger.divergence;
  }
  return is_less(milder.moved, stronger.moved);
}

}  // namespace veer
