// SPDX-License-Identifier: MIT
#include "veer/metrics/breakdown.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/data/units.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kUsable = 0.75;

double mean_over(const std::vector<double>& values,
                 std::span<const std::size_t> questions) {
  double sum = 0.0;
  double count = 0.0;
  for (const auto q : questions) {
    if (!std::isnan(values[q])) {
      sum += values[q];
      count += 1.0;
    }
  }
  return count > 0.0 ? sum / count : kUndefined;
}

// Largest scale with at least `share` coherent: coherence need not fall
// evenly, so the search starts from above. kNever: not reached on this
// ladder; 0: already below at the first rung.
double crossing(std::span<const ScaleRung> rungs, double share,
                std::span<const std::size_t> questions) {
  for (std::size_t i = rungs.size(); i-- > 0;) {
    const double here = mean_over(rungs[i].coherent, questions);
    if (!(here >= share)) {
      continue;
    }
    if (i + 1 == rungs.size()) {
      return kNever;
    }
    const double next = mean_over(rungs[i + 1].coherent, questions);
    const double part = (here - share) / (here - next);
    return std::exp(std::log(rungs[i].scale) +
                    part * std::log(rungs[i + 1].scale / rungs[i].scale));
  }
  return 0.0;
}

Estimate crossing_estimate(std::span<const ScaleRung> rungs, double share,
                           std::uint64_t seed, std::int64_t draws,
                           std::span<const std::int64_t> units) {
  const auto n = rungs.front().coherent.size();
  std::vector<std::size_t> questions(n);
  std::iota(questions.begin(), questions.end(), 0);
  Estimate estimate;
  estimate.n = static_cast<std::int64_t>(n);
  const auto members = unit_members(units, n);
  estimate.clusters = units.empty() ? 0 : std::ssize(members);
  estimate.method = members.size() < n
                        ? "interpolated, bootstrap by unit 95%"
                        : "interpolated, bootstrap by question 95%";
  const double value = crossing(rungs, share, questions);
  estimate.value = value == kNever || value == 0.0 ? kUndefined : value;
  Random random(seed, "breakdown");
  std::vector<double> values;
  for (std::int64_t b = 0; b < draws; ++b) {
    questions.clear();
    for (std::size_t u = 0; u < members.size(); ++u) {
      const auto& unit = members[random.below(members.size())];
      questions.insert(questions.end(), unit.begin(), unit.end());
    }
    values.push_back(crossing(rungs, share, questions));
  }
  std::ranges::sort(values);
  const auto at = [&](double p) {
    const double x =
        values[static_cast<std::size_t>(p * static_cast<double>(draws - 1))];
    return x == kNever ? rungs.back().scale : x;
  };
  estimate.low = at(0.025);
  estimate.high = values[static_cast<std::size_t>(
                      0.975 * static_cast<double>(draws - 1))] == kNever
                      ? kNever
                      : at(0.975);
  return estimate;
}

void check(std::span<const ScaleRung> rungs) {
  if (rungs.empty() || rungs.front().coherent.empty()) {
    fail("breakdown", "no scales or no questions", "at least one of each");
  }
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const auto n = rungs.front().coherent.size();
    if (rungs[i].coherent.size() != n || rungs[i].effect.size() != n) {
      fail("breakdown",
           fmt::format("{} and {} questions", n, rungs[i].coherent.size()),
           "the same questions at every scale");
    }
    if (!(rungs[i].scale > (i == 0 ? 0.0 : rungs[i - 1].scale))) {
      fail("breakdown", fmt::format("scale {}", rungs[i].scale),
           "positive scales in rising order");
    }
  }
}

void find_effect(std::span<const ScaleRung> rungs, Breakdown& result) {
  std::vector<std::size_t> questions(rungs.front().coherent.size());
  std::iota(questions.begin(), questions.end(), 0);
  result.half_effect_scale = kUndefined;
  result.window = kUndefined;
  for (const auto& rung : rungs) {
    const double effect = mean_over(rung.effect, questions);
    if (mean_over(rung.coherent, questions) >= kUsable &&
        effect > result.largest_effect) {
      result.largest_effect = effect;
      result.scale_of_largest = rung.scale;
    }
  }
  if (result.largest_effect <= 0.0) {
    return;
  }
  for (const auto& rung : rungs) {
    if (mean_over(rung.effect, questions) >= 0.5 * result.largest_effect) {
      result.half_effect_scale = rung.scale;
      break;
    }
  }
  const double end = result.censored ? rungs.back().scale : result.s75.value;
  result.window = std::log(end / result.half_effect_scale);
}

}  // namespace

Breakdown breakdown(std::span<const ScaleRung> rungs, std::uint64_t seed,
                    std::int64_t draws, std::span<const std::int64_t> units) {
  check(rungs);
  std::vector<std::size_t> questions(rungs.front().coherent.size());
  std::iota(questions.begin(), questions.end(), 0);
  Breakdown result;
  result.onset = crossing_estimate(rungs, 0.90, seed, draws, units);
  result.s75 = crossing_estimate(rungs, kUsable, seed, draws, units);
  result.collapse = crossing_estimate(rungs, 0.25, seed, draws, units);
  const double s75 = crossing(rungs, kUsable, questions);
  result.censored = s75 == kNever;
  result.never_coherent = s75 == 0.0;
  find_effect(rungs, result);
  return result;
}

}  // namespace veer
