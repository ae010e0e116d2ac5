// SPDX-License-Identifier: MIT
#include "veer/model/embedding.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>

#include "veer/model/ops.h"

namespace veer {

bool Embedding::is_changed() const {
  return pair || tuned_VD.defined() || rows_ND.defined();
}

void Embedding::forget_adapter() {
  pair.reset();
  for (at::Tensor* part : {&gain_D, &tuned_VD, &row_of_V, &rows_ND}) {
    *part = at::Tensor();
  }
}

// The tokens' vectors as fine-tuning left them; `base_TD`: as they were.
at::Tensor Embedding::tuned(const at::Tensor& base_TD,
                            const at::Tensor& ids_T) const {
  at::Tensor x_TD =
      tuned_VD.defined() ? at::embedding(tuned_VD, ids_T) : base_TD;
  if (rows_ND.defined()) {
    const auto row_T = row_of_V.index_select(0, ids_T);
    x_TD = at::where((row_T >= 0).unsqueeze(1),
                     rows_ND.index_select(0, row_T.clamp_min(0)), x_TD);
  }
  if (pair) {
    const auto low_TR = pair->A_RI.index_select(1, ids_T).t();
    x_TD = x_TD.to(wide_type(x_TD.scalar_type())) +
           ops::linear(low_TR, pair->B_OR) * pair->scale;
  }
  return gain_D.defined() ? x_TD * gain_D : x_TD;
}

at::Tensor Embedding::apply(const ModelConfig& config, const at::Tensor& ids_T,
                            const AdapterPass& adapter) const {
  auto x_TD = at::embedding(weight_VD, ids_T);
  if (adapter.on && is_changed()) {
    x_TD = between(x_TD, tuned(x_TD, ids_T), adapter);
  }
  if (!config.traits.scaled_embeddings) {
    return x_TD;
  }
  // The factor is rounded to the weights' dtype, as the makers do.
  const auto factor = at::scalar_tensor(
      std::sqrt(static_cast<double>(config.width)), x_TD.options());
  return x_TD * factor;
}

}  // namespace veer
