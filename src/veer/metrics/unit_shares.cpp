// SPDX-License-Identifier: MIT
#include "veer/metrics/unit_shares.h"

#include <algorithm>
#include <cmath>

#include "veer/data/units.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kAddedUnits = 2.0;

}  // namespace

double share_design_effect(std::span<const double> values,
                           const std::vector<std::vector<std::size_t>>& members,
                           const ShareSpread& spread, double level) {
  const auto units = static_cast<double>(members.size());
  double products = 0.0;  // of two questions of a unit
  double pairs = 0.0;
  for (const auto& unit : members) {
    double sum = 0.0;
    double squares = 0.0;
    for (const auto i : unit) {
      const double deviation = values[i] - spread.mean;
      sum += deviation;
      squares += deviation * deviation;
    }
    products += sum * sum - squares;
    const auto size = static_cast<double>(unit.size());
    pairs += size * (size - 1.0);
  }
  if (pairs <= 0.0) {
    return 1.0;
  }
  // Squared deviation of the added units' answers, half of them 0, half 1.
  const double added = kAddedUnits / units * pairs *
                       (0.5 - spread.mean * (1.0 - spread.mean)) /
                       spread.answers_per_question;
  const double icc = std::clamp(
      (products + added) / (pairs * spread.variance + added), 0.0, 1.0);
  const double degrees = std::max(1.0, units - 1.0);
  const double wider = t_point(0.5 * (1.0 - level), degrees) /
                       normal_quantile(0.5 * (1.0 + level));
  return (1.0 + (mean_unit_size(members) - 1.0) * icc) * wider * wider;
}

}  // namespace veer
