// SPDX-License-Identifier: MIT
#include "veer/metrics/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/metrics/intervals.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

// atanh(1) has no end; r this close to 1 is as far as it is told.
constexpr double kMostR = 1.0 - 1e-12;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

}  // namespace

Estimate pearson(std::span<const double> x, std::span<const double> y,
                 double confidence) {
  if (x.size() != y.size()) {
    fail("correlate", fmt::format("{} and {} numbers", x.size(), y.size()),
         "two lists of one length");
  }
  if (x.size() < 4) {
    return {};
  }
  const double mean_x = mean_of(x);
  const double mean_y = mean_of(y);
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (!(xx > 0.0 && yy > 0.0)) {
    return {};
  }
  Estimate out;
  out.n = std::ssize(x);
  out.method = "Fisher z";
  out.value = std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0);
  const double centre = std::atanh(std::clamp(out.value, -kMostR, kMostR));
  const double half = normal_quantile(0.5 + confidence / 2.0) /
                      std::sqrt(static_cast<double>(x.size()) - 3.0);
  out.low = std::tanh(centre - half);
  out.high = std::tanh(centre + half);
  return out;
}

}  // namespace veer
