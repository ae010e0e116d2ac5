// SPDX-License-Identifier: MIT
#include "veer/metrics/present_mean.h"

#include <cmath>
#include <limits>

namespace veer {

double present_mean(std::span<const double> values) {
  double sum = 0.0;
  double count = 0.0;
  for (const double value : values) {
    sum += std::isnan(value) ? 0.0 : value;
    count += std::isnan(value) ? 0.0 : 1.0;
  }
  return count > 0.0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace veer
