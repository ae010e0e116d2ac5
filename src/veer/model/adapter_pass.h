// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"
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

// For states without a batch: a strength per row of [num_rows, D].
AdapterPass prepare_adapter(const AdapterStrength& strength,
                            std::int64_t num_rows, at::Device device);

// What changes are added up in: fp32, or fp64 for fp64.
at::ScalarType wide_type(at::ScalarType type);

// base + strength (tuned - base) per token, rounded once, in base's dtype;
// exactly the one at strength 0 and the other at 1. [T, ...].
at::Tensor between(const at::Tensor& base, const at::Tensor& tuned,
                   const AdapterPass& adapter);

}  // namespace veer
