// SPDX-License-Identifier: MIT
#include "veer/vectors/replicates.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "veer/vectors/distributions.h"
#include "veer/vectors/measure.h"

namespace veer {

Replicates over_replicates(std::span<const Replicate> draws,
                           double confidence) {
  Replicates out;
  out.n = std::ssize(draws);
  if (draws.empty()) {
    return out;
  }
  const auto n = static_cast<double>(draws.size());
  double sum = 0.0;
  double squared_errors = 0.0;
  for (const auto& draw : draws) {
    sum += draw.value;
    squared_errors += draw.standard_error * draw.standard_error;
  }
  const double mean = sum / n;
  out.mean = mean;
  out.within_error = std::sqrt(squared_errors / n);
  if (draws.size() < 2) {
    return out;
  }
  double squares = 0.0;
  for (const auto& draw : draws) {
    squares += (draw.value - mean) * (draw.value - mean);
  }
  out.between_spread = std::sqrt(squares / (n - 1.0));
  if (draws.size() >= 3) {
    const double half = t_point((1.0 - confidence) / 2.0, n - 1.0) *
                        *out.between_spread / std::sqrt(n);
    out.low = mean - half;
    out.high = mean + half;
  }
  return out;
}

Json replicates_json(const Replicates& replicates) {
  return {{"n", replicates.n},
          {"mean", optional_json(replicates.mean)},
          {"low", optional_json(replicates.low)},
          {"high", optional_json(replicates.high)},
          {"between_spread", optional_json(replicates.between_spread)},
          {"within_error", optional_json(replicates.within_error)}};
}

}  // namespace veer
