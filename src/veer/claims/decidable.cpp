// SPDX-License-Identifier: MIT
#include "veer/claims/decidable.h"

#include <fmt/core.h>

#include "veer/base/number_text.h"
#include "veer/metrics/least_width.h"

namespace veer {

std::string undecidable_text(const Measure& measure, double margin) {
  if (measure.n < 1) {
    return "";
  }
  const double least = least_half_width(measure.n, measure.clusters);
  if (least < margin) {
    return "";
  }
  const bool units = measure.clusters > 0;
  return fmt::format(
      "; that there is none is not decidable here: with {} {} the narrowest "
      "interval is {} points to either side",
      units ? measure.clusters : measure.n,
      units ? "topics or clusters of questions" : "questions",
      rounded(100.0 * least, 0));
}

void leave_learned_undecided(HypothesisResult& row) {
  if (row.decision == Decision::kSupported) {
    row.decision = Decision::kUndecided;
    row.reason +=
        "; a fitted map has no matched control: none fitted on shuffled rows "
        "was run beside it";
  }
}

}  // namespace veer
