// SPDX-License-Identifier: MIT
#include "veer/model/ops.h"

namespace veer::ops {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    bool plus_one) {
  return plain::rms_norm(x, weight, eps, plus_one);
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation) {
  return plain::gated(gate, up, activation);
}

at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table) {
  return plain::rotate(x_TNH, table);
}

}  // namespace veer::ops
