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
  bool whole = true;        // no less text unbroken than unsteered
};

// Whether `a` is taken over an earlier `b`: for more gain. A dozen select
// questions tie many configurations, and the first of them says little:
//   gain above 0      less divergence, then less displacement: the mildest that
//                     does as much
//   no gain           whole text, then more divergence, then more displacement:
//                     that steering does nothing is shown by the strongest dose
//                     that leaves the text whole, not by one that hardly acts
bool ranks_before(const ChoiceRank& a, const ChoiceRank& b);

}  // namespace veer
