// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/config.h"

namespace veer {

// Keys and values of `num_slots` sequences of at most `max_tokens` tokens,
// after RoPE. Which tokens of a slot are valid is the caller's business
// (PackedBatch::starts), so a slot is reused by starting again at 0.
// Not safe to share between threads.
class KvCache {
 public:
  KvCache(const ModelConfig& config, std::int64_t num_slots,
          std::int64_t max_tokens, at::ScalarType dtype,
          at::Device device = at::kCPU);

  // Copies the first `num_tokens` tokens of every layer from slot from[i] to
  // slot to[i], at once (no slot is both): one prefill serves every
  // configuration that leaves the prompt alone.
  void copy_prefixes(std::span<const std::int64_t> from,
                     std::span<const std::int64_t> to, std::int64_t num_tokens);

  // Says that a pass will leave `end` valid tokens in the slot. What another
  // text left behind them becomes zero: kernels that read past a row's end and
  // mask it would carry a NaN over (0 * NaN). Costs nothing where nothing lies.
  void hold(std::int64_t slot, std::int64_t end);

  std::int64_t num_slots() const;
  std::int64_t max_tokens() const;
  std::int64_t bytes() const;

  // [slots, kv heads, max_tokens, head width] of one layer.
  at::Tensor& keys(std::int64_t layer) { return keys_[layer]; }
  at::Tensor& values(std::int64_t layer) { return values_[layer]; }

 private:
  std::vector<at::Tensor> keys_;
  std::vector<at::Tensor> values_;
  std::vector<std::int64_t> written_;  // per slot: tokens that may be there
};

}  // namespace veer
