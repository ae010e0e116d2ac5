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
};

// Runs the rows as one packed pass over `cache` and returns the residual
// stream [T, D]. `table` may be null when no row has a configuration.
at::Tensor run_pass(const Transformer& model, InterventionTable* table,
                    KvCache& cache, std::span<const PassRow> rows);

// log(sum(exp(logits))) per row, fp32, on the CPU: the normaliser of
// log-probabilities. Not finite where a row of logits is not.
at::Tensor log_normalisers(const at::Tensor& logits_NV);

}  // namespace veer
