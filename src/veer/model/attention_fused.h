// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include "veer/model/attention.h"
#include "veer/model/packed_batch.h"

namespace veer {

// Whether attention_fused() and store_rows() compute this, from what every
// tensor is; without a cache both are null.
bool can_fuse_attention(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                        const at::Tensor& v_TKH,
                        const AttentionSettings& settings,
                        const at::Tensor* cache_keys,
                        const at::Tensor* cache_values);

// attention() for fp32 on a CPU without a soft cap: one kernel over the packed
// rows as they lie, so that nothing is gathered, padded or masked, and a
// cache slot is read only where its row has tokens. Records gradients (not
// with a cache). Same bits for any number of threads.
at::Tensor attention_fused(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                           const at::Tensor& v_TKH, const PackedBatch& batch,
                           const AttentionSettings& settings,
                           const at::Tensor* cache_keys,
                           const at::Tensor* cache_values);

// Copies the batch's new keys or values [T, K, H] into their slots of a layer's
// cache: what attention_fused() does first. fp32, CPU.
void store_rows(const at::Tensor& cache, const at::Tensor& x_TKH,
                const PackedBatch& batch);

}  // namespace veer
