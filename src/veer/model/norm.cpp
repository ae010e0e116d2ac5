// SPDX-License-Identifier: MIT
#include "veer/model/norm.h"

#include "veer/model/ops.h"

namespace veer {

at::Tensor Norm::apply(const ModelConfig& config, const at::Tensor& x,
                       const AdapterPass& adapter) const {
  if (!weight.defined()) {
    return x;
  }
  const auto with = [&](const at::Tensor& chosen) {
    return ops::rms_norm(x, chosen, config.norm_eps, config.traits.norm);
  };
  const auto y = with(weight);
  return adapter.on && tuned.defined() ? between(y, with(tuned), adapter) : y;
}

}  // namespace veer
