// SPDX-License-Identifier: MIT
//
// The same number measured on several draws of what is not a question: models,
// training seeds. The error within a draw says how well that draw was
// measured; what holds for the next draw is told by the spread between them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "veer/base/json.h"

namespace veer {

struct Replicate {
  double value = 0.0;
  double standard_error = 0.0;
};

struct Replicates {
  std::int64_t n = 0;
  std::optional<double> mean;
  // Student's t interval of the mean with the draw as unit; from three draws
  // on (two give one 13 times as wide as their difference).
  std::optional<double> low;
  std::optional<double> high;
  // Standard deviation over draws (N - 1), from two on; root mean square of
  // the standard errors. A spread as large as the error is what questions
  // alone explain.
  std::optional<double> between_spread;
  std::optional<double> within_error;
};

Replicates over_replicates(std::span<const Replicate> draws,
                           double confidence = 0.95);

// {"n", "mean", "low", "high", "between_spread", "within_error"}.
Json replicates_json(const Replicates& replicates);

}  // namespace veer
