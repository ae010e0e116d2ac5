// SPDX-License-Identifier: MIT
#include "veer/generation/pass.h"

#include <algorithm>

#include <ATen/ops/logsumexp.h>
#include <ATen/ops/tensor.h>

#include "veer/base/error.h"
#include "veer/generation/shared_rows.h"
#include "veer/model/host_indices.h"

namespace veer {
namespace {

enum class CacheUse { kContinue, kFill, kRead };

at::Tensor forward_rows(const Transformer& model, InterventionTable* table,
                        KvCache& cache, std::span<const PassRow> rows,
                        const RowSharing* sharing, CacheUse use) {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> slots;
  std::vector<RowBinding> bindings;
  std::vector<double> strengths;
  bool steered = false;
  for (const auto& row : rows) {
    ids.push_back(row.ids);
    starts.push_back(row.start);
    slots.push_back(row.slot);
    bindings.push_back(row.binding);
    strengths.push_back(row.adapter_strength);
    steered = steered || row.binding.configuration >= 0;
  }
  ForwardOptions options;
  options.cache = &cache;
  options.adapter = adapter_strength_of(model, strengths);
  options.sharing = sharing;
  options.fill_cache_only = use == CacheUse::kFill;
  ResidualHook* const hook = table;
  if (steered) {
    table->bind(bindings);
    options.hooks = HookList(&hook, 1);
  }
  auto batch = pack_cached(ids, starts, slots, model.device());
  batch.stores = use != CacheUse::kRead;
  return model.forward(batch, options);
}

// [T, D] of rows that ran in another order, in their own.
at::Tensor in_own_order(const at::Tensor& hidden_TD,
                        std::span<const PassRow> rows,
                        std::span<const std::int64_t> order) {
  std::vector<std::int64_t> first(rows.size());
  std::int64_t token = 0;
  for (const auto row : order) {
    first[row] = token;
    token += std::ssize(rows[row].ids);
  }
  std::vector<std::int64_t> tokens;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::int64_t i = 0; i < std::ssize(rows[row].ids); ++i) {
      tokens.push_back(first[row] + i);
    }
  }
  return hidden_TD.index_select(0,
                                at::tensor(at::IntArrayRef(tokens), at::kLong));
}

at::Tensor run_rows(const Transformer& model, InterventionTable* table,
                    KvCache& cache, std::span<const PassRow> rows,
                    CacheUse use) {
  // Without a GPU only: decoding there waits for memory, not for products.
  const auto shared = model.device().is_cpu()
                          ? share_rows(table, rows, model.config().num_layers)
                          : std::nullopt;
  if (shared) {
    std::vector<PassRow> ordered;
    for (const auto row : shared->order) {
      ordered.push_back(rows[row]);
    }
    const auto hidden_TD =
        forward_rows(model, table, cache, ordered, &shared->sharing, use);
    return use == CacheUse::kFill
               ? at::Tensor()
               : in_own_order(hidden_TD, rows, shared->order);
  }
  return forward_rows(model, table, cache, rows, nullptr, use);
}

}  // namespace

AdapterStrength adapter_strength_of(const Transformer& model,
                                    std::span<const double> rows) {
  AdapterStrength strength;
  strength.uniform = rows.front();
  const bool mixed = std::ranges::any_of(
      rows, [&](double row) { return row != strength.uniform; });
  if (mixed) {
    const std::vector<float> per_row(rows.begin(), rows.end());
    strength.uniform = 0.0;
    strength.per_row_B = sent_to(
        at::tensor(at::ArrayRef<float>(per_row), at::kFloat), model.device());
  }
  if (!strength.is_off() && !model.has_adapter()) {
    fail("model pass", "an adapter strength other than 0",
         "a model with an adapter attached");
  }
  return strength;
}

at::Tensor run_pass(const Transformer& model, InterventionTable* table,
                    KvCache& cache, std::span<const PassRow> rows) {
  return run_rows(model, table, cache, rows, CacheUse::kContinue);
}

at::Tensor read_pass(const Transformer& model, InterventionTable* table,
                     KvCache& cache, std::span<const PassRow> rows) {
  return run_rows(model, table, cache, rows, CacheUse::kRead);
}

void fill_slots(const Transformer& model, InterventionTable* table,
                KvCache& cache, std::span<const PassRow> rows) {
  run_rows(model, table, cache, rows, CacheUse::kFill);
}

at::Tensor log_normalisers(const at::Tensor& logits_NV) {
  return at::logsumexp(logits_NV.to(at::kFloat), -1);
}

}  // namespace veer
