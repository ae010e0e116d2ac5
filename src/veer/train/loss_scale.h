// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <c10/core/ScalarType.h>

namespace veer {

// float16 ends at 6e-8 below: the loss is scaled up while gradients pass
// through it (Micikevicius et al. 2018, arXiv 1710.03740), and less where they
// then pass its upper end. Powers of two, which round nothing; 1 for other
// dtypes.
class LossScale {
 public:
  explicit LossScale(c10::ScalarType dtype)
      : value_(dtype == c10::ScalarType::Half ? kFirst : 1.0) {}

  double value() const { return value_; }
  // After a gradient that is not finite: false where it was not for the scale.
  bool lower() {
    if (value_ <= 1.0) {
      return false;
    }
    value_ = std::max(1.0, value_ / kStep);
    return true;
  }

 private:
  static constexpr double kFirst = 4096.0;
  static constexpr double kStep = 16.0;
  double value_;
};

}  // namespace veer
