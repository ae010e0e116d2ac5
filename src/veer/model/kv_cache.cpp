// SPDX-License-Identifier: MIT
#include "veer/model/kv_cache.h"

#include <algorithm>

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/host_indices.h"

namespace veer {
namespace {

// Keys and values of all layers, [2 L, slots, K, max_tokens, H]: the tensor
// that the constructor made, of which those of the first layer are the
// beginning.
at::Tensor every_layer(const std::vector<at::Tensor>& keys) {
  std::vector<std::int64_t> sizes = {2 * std::ssize(keys)};
  std::vector<std::int64_t> strides = {keys[0].numel()};
  sizes.insert(sizes.end(), keys[0].sizes().begin(), keys[0].sizes().end());
  strides.insert(strides.end(), keys[0].strides().begin(),
                 keys[0].strides().end());
  return keys[0].as_strided(sizes, strides);
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, std::int64_t num_slots,
                 std::int64_t max_tokens, at::ScalarType dtype,
                 at::Device device) {
  if (num_slots < 1 || max_tokens < 1) {
    fail("KV cache",
         fmt::format("{} slots of {} tokens", num_slots, max_tokens),
         "at least one of each");
  }
  written_.assign(num_slots, 0);
  // One tensor, so that what concerns a slot concerns it in all layers at once.
  const auto all =
      at::zeros({2 * config.num_layers, num_slots, config.num_kv_heads,
                 max_tokens, config.head_width},
                at::TensorOptions().dtype(dtype).device(device));
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    keys_.push_back(all[2 * i]);
    values_.push_back(all[2 * i + 1]);
  }
}

void KvCache::copy_prefixes(std::span<const std::int64_t> from,
                            std::span<const std::int64_t> to,
                            std::int64_t num_tokens) {
  const auto is_slot = [&](std::int64_t slot) {
    return slot >= 0 && slot < num_slots();
  };
  const bool apart = std::ranges::none_of(from, [&](std::int64_t slot) {
    return std::ranges::find(to, slot) != to.end();
  });
  if (from.size() != to.size() || !std::ranges::all_of(from, is_slot) ||
      !std::ranges::all_of(to, is_slot) || !apart || num_tokens < 0 ||
      num_tokens > max_tokens()) {
    fail("KV cache",
         fmt::format("copy of {} tokens from {} slots to {}", num_tokens,
                     from.size(), to.size()),
         fmt::format("slots below {}, none on both sides, at most {} tokens",
                     num_slots(), max_tokens()));
  }
  if (from.empty()) {
    return;
  }
  at::Tensor from_N;
  at::Tensor to_N;
  HostIndices indices;
  indices.add(from_N, {from.begin(), from.end()});
  indices.add(to_N, {to.begin(), to.end()});
  indices.upload(keys_[0].device());
  for (auto* tensors : {&keys_, &values_}) {
    for (at::Tensor& layer : *tensors) {
      auto prefix = layer.narrow(2, 0, num_tokens);
      prefix.index_copy_(0, to_N, prefix.index_select(0, from_N));
    }
  }
  for (const std::int64_t slot : to) {
    written_[slot] = std::max(written_[slot], num_tokens);
  }
}

void KvCache::hold(std::int64_t slot, std::int64_t end) {
  const std::int64_t stale = written_[slot] - end;
  if (stale > 0) {
    every_layer(keys_).select(1, slot).narrow(2, end, stale).zero_();
  }
  written_[slot] = end;
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
