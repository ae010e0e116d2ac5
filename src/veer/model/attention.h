// SPDX-License-Identifier: MIT
//
// Causal attention over packed rows. Rows of similar length are laid on a
// right-padded grid [B, heads, S, H] (a view when they are equally long) and
// go through libtorch's fused attention: with padding on the right the causal
// mask already hides it. On a card whole texts go through one call as they lie
// (attention_device.h). Rows that continue a cache slot attend to the slot
// (and, where they store nothing there, to their own tokens behind it) with an
// explicit mask, because libtorch aligns its causal mask top-left. Where there
// is a mask, the query heads that share a key head are laid along the query
// axis, so that no kernel need know of groups.
// Families with a soft cap on the scores take an unfused path of our own.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/kv_cache.h"
#include "veer/model/packed_batch.h"

namespace veer {

// Rows that share one attention call.
struct AttentionGroup {
  std::vector<std::int64_t> rows;
  std::int64_t length = 0;     // S: queries of the longest row
  std::int64_t kv_length = 0;  // keys of the longest row, cached ones included
  std::int64_t cached_length = 0;  // the cached ones of the row with most
  bool from_cache = false;         // keys and values come from the slots
  at::Tensor tokens_N;  // packed token of each grid place; undefined when
                        // the grid is the packed axis itself
  at::Tensor slots_B;   // from_cache, slots not in a row
  std::int64_t first_slot = 0;  // from_cache, slots in a row
  at::Tensor query_positions_BS;
  // from_cache, nothing stored: positions of the keys, cached_length of the
  // slot and then S of the row itself; beyond every query where there is none.
  at::Tensor key_positions_BJ;
  // Whole texts end to end on a card, none padded: where each begins, int32.
  at::Tensor offsets_B1;
  // What hides keys, 0 or -inf, [B, 1, M, J], by window and by how often the
  // queries are repeated: made by the first layer that asks. A plan belongs to
  // one pass, which is no two threads' at once.
  mutable std::map<std::pair<std::int64_t, std::int64_t>, at::Tensor> biases;
};

// How the rows of a batch are grouped; made once per pass.
struct AttentionPlan {
  std::vector<AttentionGroup> groups;
  bool flash = false;  // whole texts by the flash kernel
  at::Tensor place_T;  // place of each token in the grids laid end to end
  // Where new keys and values go: slot and position of each token. Undefined
  // where none are stored.
  at::Tensor slot_T;
  at::Tensor position_T;
};

struct AttentionSettings {
  double scale = 1.0;
  double softcap = 0.0;     // 0 = none
  std::int64_t window = 0;  // tokens seen, itself included; 0 = all
};

// What the layers of a model will ask of a plan.
struct AttentionUse {
  at::ScalarType dtype = at::kFloat;
  std::int64_t head_width = 0;
  bool softcap = false;
  std::int64_t window = 0;  // the smallest of a layer; 0 = none has one
};

// `cache` may be null. Throws Error if a row does not fit its slot.
AttentionPlan plan_attention(const PackedBatch& batch, const KvCache* cache,
                             const AttentionUse& use = {});

// q [T, Q, H], k and v [T, K, H], after RoPE; returns [T, Q, H]. With cache
// tensors [slots, K, max_tokens, H] the new keys and values are stored first,
// if the batch stores.
// Takes the fused kernel (attention_fused.h) where it can.
at::Tensor attention(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                     const at::Tensor& v_TKH, const PackedBatch& batch,
                     const AttentionPlan& plan,
                     const AttentionSettings& settings, at::Tensor* cache_keys,
                     at::Tensor* cache_values);

// Only the storing.
void store_keys_and_values(const at::Tensor& k_TKH, const at::Tensor& v_TKH,
                           const PackedBatch& batch, const AttentionPlan& plan,
                           at::Tensor& cache_keys, at::Tensor& cache_values);

// attention() by libtorch's calls alone, on any device and dtype.
at::Tensor attention_plain(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                           const at::Tensor& v_TKH, const AttentionPlan& plan,
                           const AttentionSettings& settings,
                           at::Tensor* cache_keys, at::Tensor* cache_values);

}  // namespace veer
