// SPDX-License-Identifier: MIT
#include "veer/generation/pass.h"

#include <algorithm>

#include <ATen/ops/logsumexp.h>
#include <ATen/ops/tensor.h>

#include "veer/base/error.h"

namespace veer {
namespace {

AdapterStrength strength_of(const Transformer& model,
                            std::span<const PassRow> rows) {
  AdapterStrength strength;
  strength.uniform = rows.front().adapter_strength;
  const bool mixed = std::ranges::any_of(rows, [&](const PassRow& row) {
    return row.adapter_strength != strength.uniform;
  });
  if (mixed) {
    std::vector<float> per_row;
    for (const auto& row : rows) {
      per_row.push_back(static_cast<float>(row.adapter_strength));
    }
    strength.uniform = 0.0;
    strength.per_row_B =
        at::tensor(at::ArrayRef<float>(per_row), at::kFloat).to(model.device());
  }
  if (!strength.is_off() && !model.has_adapter()) {
    fail("model pass", "an adapter strength other than 0",
         "a model with an adapter attached");
  }
  return strength;
}

}  // namespace

at::Tensor run_pass(const Transformer& model, InterventionTable* table,
                    KvCache& cache, std::span<const PassRow> rows) {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> slots;
  std::vector<RowBinding> bindings;
  bool steered = false;
  for (const auto& row : rows) {
    ids.push_back(row.ids);
    starts.push_back(row.start);
    slots.push_back(row.slot);
    bindings.push_back(row.binding);
    steered = steered || row.binding.configuration >= 0;
  }
  ForwardOptions options;
  options.cache = &cache;
  options.adapter = strength_of(model, rows);
  ResidualHook* const hook = table;
  if (steered) {
    table->bind(bindings);
    options.hooks = HookList(&hook, 1);
  }
  return model.forward(pack_cached(ids, starts, slots, model.device()),
                       options);
}

at::Tensor log_normalisers(const at::Tensor& logits_NV) {
  return at::logsumexp(logits_NV.to(at::kFloat), -1).to(at::kCPU);
}

}  // namespace veer
