// SPDX-License-Identifier: MIT
#include "veer/model/linear.h"

#include <ATen/TensorOperators.h>

#include "veer/model/dropout.h"
#include "veer/model/linear_trained.h"

namespace veer {
namespace {

at::Tensor dropped(const at::Tensor& x_TI, double chance, std::uint64_t seed) {
  return x_TI * kept_elements(x_TI, chance, seed)
                    .to(at::kFloat)
                    .mul_(1.0 / (1.0 - chance));
}

// Odd multiplier: distinct layers get distinct seeds.
std::uint64_t dropout_seed(const Linear& layer, const AdapterPass& adapter) {
  return adapter.dropout_seed +
         0x9E3779B97F4A7C15ULL * static_cast<std::uint64_t>(layer.number + 1);
}

at::Tensor low_rank(const Linear& layer, const at::Tensor& x_TI,
                    const AdapterPass& adapter) {
  const LoraPair& pair = *layer.pair;
  auto wide_TI = x_TI.to(pair.A_RI.scalar_type());
  if (adapter.dropout > 0.0) {
    wide_TI = dropped(wide_TI, adapter.dropout, dropout_seed(layer, adapter));
  }
  return ops::linear(wide_TI, pair.A_RI);
}

}  // namespace

bool Linear::is_changed() const {
  return pair || tuned_weight_OI.defined() || tuned_bias_O.defined() ||
         rows_NI.defined();
}

bool Linear::has_plain_pair() const {
  return pair && !pair->bias_O.defined() && !gain_O.defined() &&
         !tuned_weight_OI.defined() && !tuned_bias_O.defined() &&
         !rows_NI.defined();
}

void Linear::forget_adapter() {
  pair.reset();
  for (at::Tensor* part :
       {&gain_O, &tuned_weight_OI, &tuned_bias_O, &row_ids_N, &rows_NI}) {
    *part = at::Tensor();
  }
}

// The layer as fine-tuning left it; `base_TO`: as it was.
at::Tensor Linear::tuned(const at::Tensor& x_TI, const at::Tensor& base_TO,
                         const AdapterPass& adapter) const {
  const at::Tensor& bias = tuned_bias_O.defined() ? tuned_bias_O : bias_O;
  // DoRA stretches what comes before the bias.
  const bool bare = gain_O.defined() || tuned_bias_O.defined();
  at::Tensor y_TO = base_TO;
  if (tuned_weight_OI.defined()) {
    y_TO = ops::linear(x_TI, tuned_weight_OI, bare ? at::Tensor() : bias);
  } else if (bare && bias_O.defined()) {
    y_TO = ops::linear(x_TI, weight_OI, {}, turned);
  }
  if (rows_NI.defined()) {
    y_TO = y_TO.index_copy(1, row_ids_N, ops::linear(x_TI, rows_NI));
  }
  if (pair) {
    auto added_TO = ops::linear(low_rank(*this, x_TI, adapter), pair->B_OR);
    if (pair->bias_O.defined()) {
      added_TO = added_TO + pair->bias_O;
    }
    y_TO = y_TO.to(wide_type(y_TO.scalar_type())) + added_TO * pair->scale;
  }
  if (gain_O.defined()) {
    y_TO = y_TO * gain_O;
  }
  return bare && bias.defined() ? y_TO + bias : y_TO;
}

bool Linear::trains_pair(const at::Tensor& x_TI,
                         const AdapterPass& adapter) const {
  return adapter.on && !x_TI.is_cpu() && has_plain_pair() &&
         pair->A_RI.requires_grad() && !weight_OI.requires_grad() &&
         !adapter.strength_T1.defined();
}

at::Tensor Linear::apply(const at::Tensor& x_TI,
                         const AdapterPass& adapter) const {
  // Its numbers change from step to step, so no rounded copy is kept of them.
  if (trains_pair(x_TI, adapter)) {
    return linear_trained(x_TI, weight_OI, bias_O, *pair,
                          {.strength = adapter.uniform,
                           .dropout = adapter.dropout,
                           .dropout_seed = dropout_seed(*this, adapter)});
  }
  return adapted(x_TI, ops::linear(x_TI, weight_OI, bias_O, turned), adapter);
}

at::Tensor Linear::adapted(const at::Tensor& x_TI, const at::Tensor& base_TO,
                           const AdapterPass& adapter) const {
  if (!adapter.on || !is_changed()) {
    return base_TO;
  }
  if (!has_plain_pair()) {
    return between(base_TO, tuned(x_TI, base_TO, adapter), adapter);
  }
  // A pair alone need not make the tuned output: it is scaled while narrow.
  const auto low_TR = low_rank(*this, x_TI, adapter);
  const auto scaled_TR = adapter.strength_T1.defined()
                             ? low_TR * (adapter.strength_T1 * pair->scale)
                             : low_TR * (adapter.uniform * pair->scale);
  return base_TO + ops::linear(scaled_TR, pair->B_OR).to(base_TO.scalar_type());
}

}  // namespace veer
