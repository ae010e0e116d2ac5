// SPDX-License-Identifier: MIT
//
// Which of two configurations a search takes.
#pragma once

namespace veer {

// What a configuration does on the select questions and what it costs; NaN of a
// price = not measured.
struct ChoiceRank {
  double gain = 0.0;        // larger is better; not NaN
  double divergence = 0.0;  // 95th percentile over tokens, nats
  double moved = 0.0;       // mean displacement, residual norms
};

// Whether `a` is taken over an earlier `b`: for more gain, of equal gains for
// less divergence, then for less displacement. A dozen select questions tie
// many configurations, and the first of them is not the mildest.
bool ranks_before(const ChoiceRank& a, const ChoiceRank& b);

}  // namespace veer
