// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace veer {

// P(T > t) and its inverse for Student's t with `degrees` > 0.
double t_upper_tail(double t, double degrees);
double t_point(double upper_tail, double degrees);

// Holm's adjusted p-values in the order given; entries without a value take
// no part.
std::vector<std::optional<double>> holm_adjusted(
    std::span<const std::optional<double>> p_values);

// Distribution function of the standard normal and its inverse.
double normal_cdf(double z);
double normal_quantile(double p);

// Type-7 quantile (linear between order statistics) of unsorted values.
double quantile(std::vector<double> values, double q);
// Type-6 quantile (q of the way through n + 1 gaps, Weibull) of unsorted
// values: a further draw lies beyond it with probability 1 - q, which makes it
// the critical value of a test by simulation.
double critical_quantile(std::vector<double> values, double q);

}  // namespace veer
