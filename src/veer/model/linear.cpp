// SPDX-License-Identifier: MIT
#include "veer/model/linear.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// The same mask for the same seed and layer, on every device.
at::Tensor dropped(const at::Tensor& x_TI, double chance, std::uint64_t seed) {
  const auto generator = at::detail::createCPUGenerator(seed);
  const auto keep_TI = at::empty(x_TI.sizes(), at::kFloat)
                           .bernoulli_(1.0 - chance, generator)
                           .mul_(1.0 / (1.0 - chance));
  return x_TI * keep_TI.to(x_TI.device());
}

at::Tensor pair_output(const Linear& layer, const at::Tensor& x_TI,
                       const AdapterPass& adapter) {
  const LoraPair& pair = *layer.pair;
  auto wide_TI = x_TI.to(pair.A_RI.scalar_type());
  if (adapter.dropout > 0.0) {
    // Odd multiplier: distinct layers get distinct seeds.
    const std::uint64_t seed =
        adapter.dropout_seed +
        0x9E3779B97F4A7C15ULL * static_cast<std::uint64_t>(layer.number + 1);
    wide_TI = dropped(wide_TI, adapter.dropout, seed);
  }
  const auto low_TR = ops::linear(wide_TI, pair.A_RI);
  // Scaled while it is narrow.
  const auto scaled_TR = adapter.strength_T1.defined()
                             ? low_TR * (adapter.strength_T1 * pair.scale)
                             : low_TR * (adapter.uniform * pair.scale);
  return ops::linear(scaled_TR, pair.B_OR);
}

}  // namespace

AdapterPass prepare_adapter(const AdapterStrength& strength,
                            const PackedBatch& batch) {
  AdapterPass pass;
  pass.on = !strength.is_off();
  pass.uniform = strength.uniform;
  pass.dropout = strength.dropout;
  pass.dropout_seed = strength.dropout_seed;
  if (!(strength.dropout >= 0.0 && strength.dropout < 1.0)) {
    fail("adapter", fmt::format("dropout {}", strength.dropout),
         "at least 0 and below 1");
  }
  if (strength.per_row_B.defined()) {
    if (strength.per_row_B.dim() != 1 ||
        strength.per_row_B.size(0) != batch.num_rows()) {
      fail("adapter",
           fmt::format("{} strengths for {} rows", strength.per_row_B.numel(),
                       batch.num_rows()),
           "one strength a row");
    }
    pass.strength_T1 = strength.per_row_B.to(batch.rows_T.device(), at::kFloat)
                           .index_select(0, batch.rows_T)
                           .unsqueeze(1);
  }
  return pass;
}

at::Tensor Linear::apply(const at::Tensor& x_TI,
                         const AdapterPass& adapter) const {
  const auto y_TO = ops::linear(x_TI, weight_OI, bias_O, turned);
  if (!adapter.on || !pair) {
    return y_TO;
  }
  return y_TO + pair_output(*this, x_TI, adapter).to(y_TO.scalar_type());
}

}  // namespace veer
