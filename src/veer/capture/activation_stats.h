// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace veer {

// Streaming moments of activation rows at one site: n, mean and sum of squared
// deviations per dimension, optionally the sum of outer products, all in fp64
// on the CPU. Memory does not depend on the number of rows. Chan, Golub and
// LeVeque's update (1983), so batches and partial results merge exactly up to
// rounding. Not safe to share between threads.
class ActivationStats {
 public:
  // With `covariance` width * width numbers are kept.
  explicit ActivationStats(std::int64_t width, bool covariance = false);

  // rows_ND: any float dtype and device. Throws Error on a wrong width and
  // Error{kFailed} on a value that is not finite.
  void add(const at::Tensor& rows_ND);
  // Throws Error if widths or kinds differ.
  void merge(const ActivationStats& other);

  std::int64_t count() const { return count_; }
  const at::Tensor& mean_D() const { return mean_D_; }
  // Unbiased; zeros while count() < 2.
  at::Tensor variance_D() const;
  // Unbiased [D, D]. Throws Error unless made with covariance.
  at::Tensor covariance_DD() const;

 private:
  std::int64_t count_ = 0;
  at::Tensor mean_D_;
  at::Tensor squares_D_;
  at::Tensor products_DD_;  // undefined without covariance
};

// Count, mean and spread of single numbers, by Welford's update.
struct RunningNumber {
  std::int64_t n = 0;
  double mean = 0.0;
  double m2 = 0.0;

  void add(double x) {
    ++n;
    const double delta = x - mean;
    mean += delta / static_cast<double>(n);
    m2 += delta * (x - mean);
  }
  // Unbiased standard deviation; 0 while n < 2.
  double sd() const;
};

}  // namespace veer
