// SPDX-License-Identifier: MIT
//
// Do judges agree, and by how much more than their own frequencies give?
// No torch in this file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "veer/metrics/estimate.h"
#include "veer/metrics/judge.h"

namespace veer {

// Cohen's kappa of two labellings of the same items with labels 0 ..
// num_labels - 1 (Cohen 1960), and n = items. The interval holds the central
// `level` of the posterior of kappa under a Dirichlet prior of total weight
// one, spread evenly over the table of the labels in use; it reaches up to 1
// where all items agree. So it never has zero width, as the interval of the
// asymptotic standard error (Fleiss, Cohen and Everitt 1969) and the bootstrap
// have there; where labels are rare or agreement near complete those cover
// far less than they state, and for many items all are the same
// (docs/methods/metrics.md). Undefined, value and interval, when both sides
// use one and the same label throughout, or without items. Throws Error if the
// lengths differ or a label is out of range. Deterministic.
Estimate cohen_kappa(std::span<const std::int64_t> a,
                     std::span<const std::int64_t> b, std::int64_t num_labels,
                     double level = 0.95);

struct Agreement {
  std::int64_t n = 0;  // answers that both judged
  double same = 0.0;   // share with the same label; NaN without any
  Estimate kappa;
};
Agreement agreement(std::span<const AnswerLabel> a,
                    std::span<const AnswerLabel> b);

// The label that most judges gave, per answer; kUnjudged where there is no
// single one. by_judge[j][i].
std::vector<AnswerLabel> majority(
    std::span<const std::vector<AnswerLabel>> by_judge);

}  // namespace veer
