// SPDX-License-Identifier: MIT
#include "veer/model/kv_cache.h"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {

KvCache::KvCache(const ModelConfig& config, std::int64_t num_slots,
                 std::int64_t max_tokens, at::ScalarType dtype,
                 at::Device device) {
  if (num_slots < 1 || max_tokens < 1) {
    fail("KV cache",
         fmt::format("{} slots of {} tokens", num_slots, max_tokens),
         "at least one of each");
  }
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    for (auto* tensors : {&keys_, &values_}) {
      tensors->push_back(at::zeros(
          {num_slots, config.num_kv_heads, max_tokens, config.head_width},
          options));
    }
  }
}

void KvCache::copy_prefix(std::int64_t from, std::int64_t to,
                          std::int64_t num_tokens) {
  if (from < 0 || to < 0 || from >= num_slots() || to >= num_slots() ||
      num_tokens < 0 || num_tokens > max_tokens()) {
    fail("KV cache",
         fmt::format("copy of {} tokens from slot {} to {}", num_tokens, from,
                     to),
         fmt::format("slots below {}, at most {} tokens", num_slots(),
                     max_tokens()));
  }
  for (auto* tensors : {&keys_, &values_}) {
    for (at::Tensor& layer : *tensors) {
      layer.select(0, to)
          .narrow(1, 0, num_tokens)
          .copy_(layer.select(0, from).narrow(1, 0, num_tokens));
    }
  }
}

std::int64_t KvCache::num_slots() const {
  return keys_[0].size(0);
}
std::int64_t KvCache::max_tokens() const {
  return keys_[0].size(2);
}
std::int64_t KvCache::bytes() const {
  return 2 * static_cast<std::int64_t>(keys_.size() * keys_[0].nbytes());
}

}  // namespace veer
