// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace veer {

// A number with its doubt: what a table cell is made of. NaN = undefined.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  std::int64_t n = 0;  // questions
  std::string method;  // "wilson 95%", "bootstrap by question 95%"
  // Units that the questions are of (topics, clusters) where the interval is
  // over units; 0 = not known, each question stands alone.
  std::int64_t clusters = 0;

  bool defined() const { return !std::isnan(value); }
  // Whether the interval lies wholly above / below `bound`.
  bool above(double bound) const { return low > bound; }
  bool below(double bound) const { return high < bound; }
};

}  // namespace veer
