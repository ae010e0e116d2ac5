// SPDX-License-Identifier: MIT
#include "veer/metrics/sign_flips.h"

#include <algorithm>
#include <cmath>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/metrics/binomial.h"

namespace veer {
namespace {

// |sum| in units of its standard deviation under flips; 0 without spread.
double studentised(double sum, double squares) {
  return squares > 0.0 ? std::abs(sum) / std::sqrt(squares) : 0.0;
}

// McNemar's p where every difference is whole; 0 where they are not, so that
// the draws alone decide.
double exact_p(const std::vector<double>& differences) {
  std::int64_t up = 0;
  std::int64_t down = 0;
  for (const double d : differences) {
    if (std::isnan(d) || d == 0.0) {
      continue;
    }
    if (std::abs(std::abs(d) - 1.0) > 1e-9) {
      return 0.0;
    }
    ++(d > 0.0 ? up : down);
  }
  return mcnemar(up, down);
}

}  // namespace

std::vector<double> sign_flip_p(
    std::span<const std::vector<double>> differences, std::uint64_t seed,
    std::int64_t draws) {
  std::vector<double> p(differences.size(), 1.0);
  if (differences.empty()) {
    return p;
  }
  const std::size_t n = differences.front().size();
  std::vector<double> squares;
  std::vector<double> found;
  for (const auto& own : differences) {
    if (own.size() != n) {
      fail("sign flips", "differences of unequal length",
           "one value per question in each");
    }
    double sum = 0.0;
    double square = 0.0;
    for (const double d : own) {
      sum += std::isnan(d) ? 0.0 : d;
      square += std::isnan(d) ? 0.0 : d * d;
    }
    squares.push_back(square);
    found.push_back(studentised(sum, square));
  }
  std::vector<std::int64_t> reached(differences.size(), 0);
  Random random(seed, "sign-flips");
  std::vector<double> sign(n);
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    for (auto& s : sign) {
      s = random.chance(0.5) ? 1.0 : -1.0;
    }
    double largest = 0.0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      double sum = 0.0;
      for (std::size_t q = 0; q < n; ++q) {
        sum +=
            std::isnan(differences[i][q]) ? 0.0 : sign[q] * differences[i][q];
      }
      largest = std::max(largest, studentised(sum, squares[i]));
    }
    for (std::size_t i = 0; i < differences.size(); ++i) {
      // Sums of the same numbers in another order are equal but for rounding.
      reached[i] += largest >= found[i] - 1e-9 ? 1 : 0;
    }
  }
  for (std::size_t i = 0; i < differences.size(); ++i) {
    p[i] =
        std::max(exact_p(differences[i]), static_cast<double>(1 + reached[i]) /
                                              static_cast<double>(draws + 1));
  }
  return p;
}

}  // namespace veer
