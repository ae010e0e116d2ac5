// SPDX-License-Identifier: MIT
#include "veer/metrics/sign_flips.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/metrics/binomial.h"

namespace veer {
namespace {

// |sum| in units of its standard deviation under flips; 0 without spread.
double studentised(double sum, double squares) {
  return squares > 0.0 ? std::abs(sum) / std::sqrt(squares) : 0.0;
}

// The exact p where every difference is whole (without units McNemar's); 0
// where they are not, so that the draws alone decide.
double exact_p(const std::vector<double>& differences,
               std::span<const std::int64_t> units) {
  std::vector<std::int64_t> changes;
  for (const double d : differences) {
    const double change = std::isnan(d) ? 0.0 : d;
    changes.push_back(std::lround(change));
    if (std::abs(change - std::round(change)) > 1e-9 ||
        std::abs(change) > 1.0 + 1e-9) {
      return 0.0;
    }
  }
  return unit_sign_flip_p(changes, units);
}

// Sums over the questions of each unit; as they are without units.
std::vector<double> unit_sums(const std::vector<double>& differences,
                              std::span<const std::int64_t> units) {
  if (units.empty()) {
    return differences;
  }
  std::map<std::int64_t, double> sums;
  for (std::size_t q = 0; q < differences.size(); ++q) {
    sums[units[q]] += std::isnan(differences[q]) ? 0.0 : differences[q];
  }
  std::vector<double> out;
  for (const auto& [unit, sum] : sums) {
    out.push_back(sum);
  }
  return out;
}

struct Summed {
  std::vector<double> values;  // per unit
  double squares = 0.0;
  double found = 0.0;  // |sum| in units of its standard deviation
};

Summed summed(const std::vector<double>& differences,
              std::span<const std::int64_t> units) {
  Summed out;
  out.values = unit_sums(differences, units);
  double sum = 0.0;
  for (double& d : out.values) {
    d = std::isnan(d) ? 0.0 : d;
    sum += d;
    out.squares += d * d;
  }
  out.found = studentised(sum, out.squares);
  return out;
}

}  // namespace

std::vector<double> sign_flip_p(
    std::span<const std::vector<double>> differences, std::uint64_t seed,
    std::int64_t draws, std::span<const std::int64_t> units) {
  std::vector<double> p(differences.size(), 1.0);
  std::vector<Summed> all;
  for (const auto& own : differences) {
    if (own.size() != differences.front().size() ||
        (!units.empty() && units.size() != own.size())) {
      fail("sign flips", "differences of unequal length",
           "one value, and one unit, per question in each");
    }
    all.push_back(summed(own, units));
  }
  if (all.empty()) {
    return p;
  }
  std::vector<std::int64_t> reached(all.size(), 0);
  Random random(seed, "sign-flips");
  std::vector<double> sign(all.front().values.size());
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    for (auto& s : sign) {
      s = random.chance(0.5) ? 1.0 : -1.0;
    }
    double largest = 0.0;
    for (const auto& own : all) {
      double sum = 0.0;
      for (std::size_t u = 0; u < sign.size(); ++u) {
        sum += sign[u] * own.values[u];
      }
      largest = std::max(largest, studentised(sum, own.squares));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      // Sums of the same numbers in another order are equal but for rounding.
      reached[i] += largest >= all[i].found - 1e-9 ? 1 : 0;
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    p[i] = std::max(
        exact_p(differences[i], units),
        static_cast<double>(1 + reached[i]) / static_cast<double>(draws + 1));
  }
  return p;
}

}  // namespace veer
