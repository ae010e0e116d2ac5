// SPDX-License-Identifier: MIT
#include "veer/metrics/measure_of.h"

#include <cmath>
#include <optional>
#include <string>

namespace veer {

Measure measure_of(const Estimate& estimate, std::string_view reason) {
  if (!estimate.defined()) {
    return Measure::none(std::string(reason.empty() ? "undefined" : reason),
                         estimate.n);
  }
  const auto finite = [](double x) {
    return std::isfinite(x) ? std::optional<double>(x) : std::nullopt;
  };
  Measure measure;
  measure.value = estimate.value;
  measure.low = finite(estimate.low);
  measure.high = finite(estimate.high);
  measure.n = estimate.n;
  measure.clusters = estimate.clusters;
  return measure;
}

}  // namespace veer
