// SPDX-License-Identifier: MIT
//
// Shrunk covariance S = (1 - a) Z'Z/N + a (tr/D) I and its inverse applied to
// vectors. With fewer rows than dimensions everything goes through the N x N
// Gram matrix (Woodbury), so no D x D matrix is made.
#pragma once

#include <ATen/core/Tensor.h>

namespace veer {

class ShrunkCovariance {
 public:
  // centred_ND: rows minus the mean of their group, fp64. shrinkage in [0, 1];
  // below 0 = Ledoit and Wolf (2004). Throws Error when S would be singular
  // (no spread at all, or shrinkage 0 with N <= D).
  explicit ShrunkCovariance(const at::Tensor& centred_ND,
                            double shrinkage = -1.0);

  // S^-1 v for v [D].
  at::Tensor solve(const at::Tensor& v_D) const;
  double shrinkage() const { return shrinkage_; }

 private:
  at::Tensor rows_ND_;
  at::Tensor factor_;  // Cholesky factor of the smaller system
  double shrinkage_ = 0.0;
  double ridge_ = 0.0;  // a tr/D
  bool in_items_ = true;
};

}  // namespace veer
