// SPDX-License-Identifier: MIT
#include "veer/claims/imprint_claim.h"

#include <cmath>

#include <fmt/core.h>

#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kMatched = 0.05;

struct Group {
  double n = 0.0;
  double share = 0.0;
  double variance = 0.0;  // of the mean share
  double deceptive = 0.0;
};

Group group_of(std::span<const ImprintedRun> runs, bool supervised) {
  Group group;
  for (const auto& run : runs) {
    if (run.supervised == supervised) {
      group.n += 1.0;
      group.share += run.share;
      group.deceptive += run.deceptive;
    }
  }
  if (group.n < 2.0) {
    return group;
  }
  group.share /= group.n;
  group.deceptive /= group.n;
  for (const auto& run : runs) {
    if (run.supervised == supervised) {
      const double away = run.share - group.share;
      group.variance += away * away / (group.n * (group.n - 1.0));
    }
  }
  return group;
}

void add_interval(const Group& a, const Group& b, double confidence,
                  Measure& measure) {
  const double variance = a.variance + b.variance;
  if (variance == 0.0) {
    return;  // without spread there is no error to tell
  }
  const double degrees = variance * variance /
                         (a.variance * a.variance / (a.n - 1.0) +
                          b.variance * b.variance / (b.n - 1.0));
  const double half =
      t_point((1.0 - confidence) / 2.0, degrees) * std::sqrt(variance);
  measure.low = *measure.value - half;
  measure.high = *measure.value + half;
}

}  // namespace

HypothesisResult imprint_claim(std::span<const ImprintedRun> runs,
                               double confidence) {
  auto result = claim_row("H24");
  const auto supervised = group_of(runs, true);
  const auto other = group_of(runs, false);
  if (supervised.n < 2.0 || other.n < 2.0) {
    result.effect = Measure::none("not measured", std::ssize(runs));
    result.reason = fmt::format(
        "{} supervised runs and {} of another objective, needs two of each",
        supervised.n, other.n);
    return result;
  }
  result.effect.value = supervised.share - other.share;
  result.effect.n = std::ssize(runs);
  add_interval(supervised, other, confidence, result.effect);
  result.reason = fmt::format(
      "{:.0f} % of {} supervised and {:.0f} % of {} others, deceiving in "
      "{:.0f} "
      "and {:.0f} %",
      100.0 * supervised.share, supervised.n, 100.0 * other.share, other.n,
      100.0 * supervised.deceptive, 100.0 * other.deceptive);
  if (std::abs(supervised.deceptive - other.deceptive) > kMatched) {
    result.reason += "; not matched within 5 points";
  } else {
    decide_by_interval(result, 0.0, 0.0);
  }
  return result;
}

}  // namespace veer
