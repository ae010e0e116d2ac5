// SPDX-License-Identifier: MIT
#include "veer/vectors/distributions.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "veer/base/error.h"

namespace veer {
namespace {

// Continued fraction of the incomplete beta function (DLMF 8.17.22), by the
// modified Lentz method.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  double c = 1.0;
  double d = 1.0 / std::max(1.0 - (a + b) * x / (a + 1.0), kTiny);
  double value = d;
  for (int m = 1; m < 500; ++m) {
    const double two_m = 2.0 * m;
    for (const double term :
         {m * (b - m) * x / ((a + two_m - 1.0) * (a + two_m)),
          -(a + m) * (a + b + m) * x / ((a + two_m) * (a + two_m + 1.0))}) {
      d = 1.0 + term * d;
      c = 1.0 + term / c;
      d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
      c = std::abs(c) < kTiny ? kTiny : c;
      value *= d * c;
    }
    if (std::abs(d * c - 1.0) < 1e-15) {
      break;
    }
  }
  return value;
}

// Regularised incomplete beta function I_x(a, b).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0.0 || x >= 1.0) {
    return x <= 0.0 ? 0.0 : 1.0;
  }
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
               a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) {
    return front * beta_fraction(a, b, x) / a;
  }
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

}  // namespace

double t_upper_tail(double t, double degrees) {
  const double tail =
      0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
  return t >= 0.0 ? tail : 1.0 - tail;
}

double t_point(double upper_tail, double degrees) {
  if (!(upper_tail > 0.0 && upper_tail < 1.0)) {
    fail("Student t point", "a probability outside (0, 1)");
  }
  if (upper_tail > 0.5) {
    return -t_point(1.0 - upper_tail, degrees);
  }
  double low = 0.0;
  double high = 1.0;
  while (t_upper_tail(high, degrees) > upper_tail && high < 1e12) {
    high *= 2.0;
  }
  for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (t_upper_tail(middle, degrees) > upper_tail ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

std::vector<std::optional<double>> holm_adjusted(
    std::span<const std::optional<double>> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (p_values[i]) {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) {
    return p_values[i].value_or(1.0) < p_values[j].value_or(1.0);
  });
  std::vector<std::optional<double>> out(p_values.size());
  double running = 0.0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double left = static_cast<double>(order.size() - rank);
    running = std::max(running, left * p_values[order[rank]].value_or(1.0));
    out[order[rank]] = std::min(1.0, running);
  }
  return out;
}

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

double normal_quantile(double p) {
  double low = -40.0;
  double high = 40.0;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (normal_cdf(middle) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) {
    fail("quantile", "no values");
  }
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double share = place - static_cast<double>(below);
  return values[below] + share * (values[above] - values[below]);
}

double critical_quantile(std::vector<double> values, double q) {
  if (values.empty()) {
    fail("quantile", "no values");
  }
  const auto n = static_cast<double>(values.size());
  const double place = std::clamp(q * (n + 1.0), 1.0, n);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(place) - 1;
  std::ranges::nth_element(values, below);
  const double share = place - std::floor(place);
  if (share == 0.0) {
    return *below;
  }
  return *below + share * (*std::min_element(below + 1, values.end()) - *below);
}

}  // namespace veer
