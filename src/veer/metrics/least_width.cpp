// SPDX-License-Identifier: MIT
#include "veer/metrics/least_width.h"

#include <vector>

#include "veer/metrics/intervals.h"

namespace veer {

double least_half_width(std::int64_t questions, std::int64_t units,
                        double level) {
  if (questions < 1) {
    return 1.0;
  }
  const std::vector<double> none(static_cast<std::size_t>(questions), 0.0);
  std::vector<std::int64_t> of;
  for (std::int64_t q = 0; units > 0 && q < questions; ++q) {
    of.push_back(q % units);
  }
  return share_difference(none, questions, none, questions, level, of).high;
}

}  // namespace veer
