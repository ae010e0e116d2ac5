// SPDX-License-Identifier: MIT
#include "veer/vectors/distributions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

// Boost in double throughout: its default calculates double in long double,
// which differs between processors. What lies beyond the largest double is
// infinite, no exception.
using Policy = boost::math::policies::policy<
    boost::math::policies::promote_double<false>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>>;
using StudentT = boost::math::students_t_distribution<double, Policy>;
using Normal = boost::math::normal_distribution<double, Policy>;

}  // namespace

double t_upper_tail(double t, double degrees) {
  if (std::isnan(t)) {
    return t;
  }
  return boost::math::cdf(boost::math::complement(StudentT(degrees), t));
}

double t_point(double upper_tail, double degrees) {
  if (!(upper_tail > 0.0 && upper_tail < 1.0)) {
    fail("Student t point", "a probability outside (0, 1)");
  }
  return boost::math::quantile(
      boost::math::complement(StudentT(degrees), upper_tail));
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
  return std::isnan(z) ? z : boost::math::cdf(Normal(), z);
}

double normal_quantile(double p) {
  if (!(p > 0.0 && p < 1.0)) {
    fail("normal quantile", "a probability outside (0, 1)");
  }
  return boost::math::quantile(Normal(), p);
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
