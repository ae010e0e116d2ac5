// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
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

  // Copies the first `num_tokens` tokens of every layer from one slot to
  // others: one prefill serves every configuration that leaves the prompt
  // alone.
  void copy_prefix(std::int64_t from, std::int64_t to, std::int64_t num_tokens);

  std::int64_t num_slots() const;
  std::int64_t max_tokens() const;
  std::int64_t bytes() const;

  // [slots, kv heads, max_tokens, head width] of one layer.
  at::Tensor& keys(std::int64_t layer) { return keys_[layer]; }
  at::Tensor& values(std::int64_t layer) { return values_[layer]; }

 private:
  std::vector<at::Tensor> keys_;
  std::vector<at::Tensor> values_;
};

}  // namespace veer
