// SPDX-License-Identifier: MIT
#include "veer/metrics/halving.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace veer {
namespace {

constexpr std::size_t kFewestAfterScreen = 4;
constexpr std::size_t kScreenDivisor = 4;

// What cannot be chosen comes behind everything that can.
double rank_value(double value) {
  return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
}

using Values = std::map<std::size_t, double>;

// The `keep` arms of largest value; the screen breaks ties.
Arms best_of(Arms arms, std::size_t keep, const Values& values,
             std::span<const double> screen) {
  std::ranges::stable_sort(arms, [&](std::size_t a, std::size_t b) {
    const double left = rank_value(values.at(a));
    const double right = rank_value(values.at(b));
    return left != right ? left > right
                         : rank_value(screen[a]) > rank_value(screen[b]);
  });
  arms.resize(std::min(keep, arms.size()));
  return arms;
}

Arms joined(std::span<const Arms> groups) {
  Arms all;
  for (const auto& group : groups) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

}  // namespace

std::vector<std::int64_t> halving_questions(std::int64_t questions) {
  std::vector<std::int64_t> rounds;
  for (const std::int64_t divisor : {4, 2, 1}) {
    const std::int64_t count = (questions + divisor - 1) / divisor;
    if (count > 0 && (rounds.empty() || count > rounds.back())) {
      rounds.push_back(count);
    }
  }
  return rounds;
}

std::vector<HalvingRound> halve(std::span<const Arms> groups,
                                std::span<const double> screen,
                                std::int64_t questions,
                                const MeasureArms& measure) {
  Values values;
  for (std::size_t arm = 0; arm < screen.size(); ++arm) {
    values[arm] = screen[arm];
  }
  std::vector<Arms> alive(groups.begin(), groups.end());
  for (auto& group : alive) {
    const auto quarter = (group.size() + kScreenDivisor - 1) / kScreenDivisor;
    group =
        best_of(group, std::max(kFewestAfterScreen, quarter), values, screen);
  }
  std::vector<HalvingRound> rounds;
  for (const std::int64_t count : halving_questions(questions)) {
    if (!rounds.empty()) {
      for (auto& group : alive) {
        group = best_of(group, (group.size() + 1) / 2, values, screen);
      }
    }
    rounds.push_back({count, joined(alive)});
    const auto& arms = rounds.back().arms;
    const auto measured = measure(arms, count);
    for (std::size_t i = 0; i < arms.size(); ++i) {
      values[arms[i]] = measured[i];
    }
  }
  return rounds;
}

}  // namespace veer
