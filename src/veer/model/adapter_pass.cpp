// SPDX-License-Identifier: MIT
#include "veer/model/adapter_pass.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

AdapterPass without_rows(const AdapterStrength& strength) {
  AdapterPass pass;
  pass.on = !strength.is_off();
  pass.uniform = strength.uniform;
  pass.dropout = strength.dropout;
  pass.dropout_seed = strength.dropout_seed;
  if (!(strength.dropout >= 0.0 && strength.dropout < 1.0)) {
    fail("adapter", fmt::format("dropout {}", strength.dropout),
         "at least 0 and below 1");
  }
  return pass;
}

void check_rows(const AdapterStrength& strength, std::int64_t num_rows) {
  if (strength.per_row_B.dim() != 1 || strength.per_row_B.size(0) != num_rows) {
    fail("adapter",
         fmt::format("{} strengths for {} rows", strength.per_row_B.numel(),
                     num_rows),
         "one strength a row");
  }
}

}  // namespace

AdapterPass prepare_adapter(const AdapterStrength& strength,
                            const PackedBatch& batch) {
  AdapterPass pass = without_rows(strength);
  if (strength.per_row_B.defined()) {
    check_rows(strength, batch.num_rows());
    pass.strength_T1 = strength.per_row_B.to(batch.rows_T.device(), at::kFloat)
                           .index_select(0, batch.rows_T)
                           .unsqueeze(1);
  }
  return pass;
}

AdapterPass prepare_adapter(const AdapterStrength& strength,
                            std::int64_t num_rows, at::Device device) {
  AdapterPass pass = without_rows(strength);
  if (strength.per_row_B.defined()) {
    check_rows(strength, num_rows);
    pass.strength_T1 = strength.per_row_B.to(device, at::kFloat).unsqueeze(1);
  }
  return pass;
}

at::ScalarType wide_type(at::ScalarType type) {
  return type == at::kDouble ? type : at::kFloat;
}

at::Tensor between(const at::Tensor& base, const at::Tensor& tuned,
                   const AdapterPass& adapter) {
  const auto wide = wide_type(base.scalar_type());
  const auto from = base.to(wide);
  const auto to = tuned.to(wide);
  if (!adapter.strength_T1.defined()) {
    return from.lerp(to, adapter.uniform).to(base.scalar_type());
  }
  auto strength = adapter.strength_T1.to(wide);
  while (strength.dim() < base.dim()) {
    strength = strength.unsqueeze(-1);
  }
  return from.lerp(to, strength).to(base.scalar_type());
}

}  // namespace veer
