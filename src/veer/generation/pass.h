// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/interventions/table.h"
#include "veer/model/transformer.h"

namespace veer {

// One row of a cached pass.
struct PassRow {
  std::vector<std::int32_t> ids;  // the next tokens
  std::int64_t start = 0;         // tokens already in the slot
  std::int64_t slot = 0;
  RowBinding binding;  // donor: index of a row of this pass
  double adapter_strength = 0.0;
  // Rows of one pass with the same number have the same tokens in their slots
  // and the same adapter strength. -1: not known.
  std::int64_t text = -1;
};

// The strength of rows in this order. Throws Error if one is not 0 and the
// model has no adapter.
AdapterStrength adapter_strength_of(const Transformer& model,
                                    std::span<const double> rows);

// Runs the rows as one packed pass over `cache` and returns the residual
// stream [T, D]. `table` may be null when no row has a configuration. Rows with
// the same text and the same next tokens are computed once below their
// interventions (shared_rows.h).
at::Tensor run_pass(const Transformer& model, InterventionTable* table,
                    KvCache& cache, std::span<const PassRow> rows);

// The same without a trace in the cache: several rows may read one slot.
at::Tensor read_pass(const Transformer& model, InterventionTable* table,
                     KvCache& cache, std::span<const PassRow> rows);

// The same as run_pass, for the cache alone.
void fill_slots(const Transformer& model, InterventionTable* table,
                KvCache& cache, std::span<const PassRow> rows);

// log(sum(exp(logits))) per row, fp32, where the logits lie: the normaliser of
// log-probabilities. Not finite where a row of logits is not.
at::Tensor log_normalisers(const at::Tensor& logits_NV);

}  // namespace veer
