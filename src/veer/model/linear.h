// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"
#include "veer/model/ops.h"
#include "veer/model/packed_batch.h"

namespace veer {

// The adapter's part in one pass, prepared once per pass.
struct AdapterPass {
  bool on = false;
  double uniform = 0.0;
  at::Tensor strength_T1;  // fp32, one per token; undefined: `uniform`
  double dropout = 0.0;
  std::uint64_t dropout_seed = 0;
};

// Throws Error if the strengths do not fit the batch.
AdapterPass prepare_adapter(const AdapterStrength& strength,
                            const PackedBatch& batch);

// A linear layer of a block with an optional low-rank pair. Where precision
// and adapters meet: nothing above it knows of either.
struct Linear {
  std::string path;       // "model.layers.0.self_attn.q_proj"
  std::int64_t number{};  // among the model's linear layers, from 0
  at::Tensor weight_OI;
  at::Tensor bias_O;          // may be undefined
  ops::TurnedWeights turned;  // of weight_OI, where they are kept
  std::optional<LoraPair> pair;

  // [T, I] -> [T, O] in x's dtype; the pair's product is taken in fp32.
  at::Tensor apply(const at::Tensor& x_TI, const AdapterPass& adapter) const;
};

}  // namespace veer
