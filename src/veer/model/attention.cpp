// SPDX-License-Identifier: MIT
#include "veer/model/attention.h"

#include <algorithm>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/List.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include "veer/model/attention_device.h"
#include "veer/model/attention_fused.h"

namespace veer {
namespace {

// Query rows per step of the unfused path, which holds [B, Q, rows, S].
constexpr std::int64_t kQueryRows = 256;

// Numbers of a mask lie in rows of a multiple of these, as kernels read them.
constexpr std::int64_t kMaskStep = 8;

// Keys, [J] or [B, 1, J], that query position p may not see: j > p, and
// j <= p - window. [B, S, J].
at::Tensor hidden_keys(const at::Tensor& positions_BS, const at::Tensor& keys,
                       std::int64_t window) {
  const auto queries_BS1 = positions_BS.unsqueeze(-1);
  const auto later_BSJ = keys > queries_BS1;
  return window > 0 ? later_BSJ.logical_or(keys <= queries_BS1 - window)
                    : later_BSJ;
}

// The group's tokens of [T, heads, H].
at::Tensor gathered(const at::Tensor& x_TNH, const AttentionGroup& group) {
  return group.tokens_N.defined() ? x_TNH.index_select(0, group.tokens_N)
                                  : x_TNH;
}

// [N or T, heads, H] -> [B, heads, S, H].
at::Tensor to_grid(const at::Tensor& x_TNH, const AttentionGroup& group) {
  const auto rows = static_cast<std::int64_t>(group.rows.size());
  return gathered(x_TNH, group)
      .unflatten(0, {rows, group.length})
      .transpose(1, 2);
}

// The first tokens of the group's slots, [B, K, num_tokens, H].
at::Tensor from_slots(const at::Tensor& cache, const AttentionGroup& group,
                      std::int64_t num_tokens) {
  const auto used = cache.narrow(2, 0, num_tokens);
  if (group.slots_B.defined()) {
    return used.index_select(0, group.slots_B);
  }
  return used.narrow(0, group.first_slot,
                     static_cast<std::int64_t>(group.rows.size()));
}

// Keys or values of the group, [B, K, J, H].
at::Tensor seen_by(const AttentionGroup& group, const at::Tensor& own_TKH,
                   const at::Tensor* cache) {
  if (!group.from_cache) {
    return to_grid(own_TKH, group);
  }
  if (!group.key_positions_BJ.defined()) {
    return from_slots(*cache, group, group.kv_length);
  }
  return at::cat({from_slots(*cache, group, group.cached_length),
                  to_grid(own_TKH, group).to(cache->scalar_type())},
                 2);
}

// How far apart two of a's neighbours along an axis lie says nothing where it
// has one place only.
bool have_one_layout(const at::Tensor& a, const at::Tensor& b) {
  bool same = a.sizes() == b.sizes();
  for (std::int64_t axis = 0; same && axis < a.dim(); ++axis) {
    same = a.size(axis) == 1 || a.stride(axis) == b.stride(axis);
  }
  return same;
}

// a and b as one tensor [2, ...] where b lies behind a in the same memory, as
// keys and values of one product do; else undefined.
at::Tensor side_by_side(const at::Tensor& a, const at::Tensor& b) {
  const std::int64_t step = b.storage_offset() - a.storage_offset();
  if (step <= 0 || !a.is_alias_of(b) || !have_one_layout(a, b)) {
    return {};
  }
  std::vector<std::int64_t> sizes = {2};
  std::vector<std::int64_t> strides = {step};
  sizes.insert(sizes.end(), a.sizes().begin(), a.sizes().end());
  strides.insert(strides.end(), a.strides().begin(), a.strides().end());
  return a.detach().as_strided(sizes, strides);
}

void store(const at::Tensor& k_TKH, const at::Tensor& v_TKH,
           const AttentionPlan& plan, at::Tensor& keys, at::Tensor& values) {
  c10::List<std::optional<at::Tensor>> where;
  where.push_back(plan.slot_T);
  where.push_back(std::nullopt);
  where.push_back(plan.position_T);
  const auto both = side_by_side(k_TKH, v_TKH);
  const auto caches = side_by_side(keys, values);
  if (both.defined() && caches.defined()) {
    where.insert(where.begin(), std::nullopt);
    caches.index_put_(where, both.transpose(0, 1).to(caches.scalar_type()));
    return;
  }
  keys.index_put_(where, k_TKH.detach().to(keys.scalar_type()));
  values.index_put_(where, v_TKH.detach().to(values.scalar_type()));
}

// fp32, or fp64 where the scores are (numerical derivatives in tests).
at::ScalarType widened(const at::Tensor& scores) {
  return scores.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

// softmax(cap * tanh(scale * q k / cap)) v, rounded to the dtype of q after
// each step, as the makers do; the softmax itself is taken in fp32. bias
// [B, 1, S, J] hides keys; G query heads share one key head.
at::Tensor capped(const at::Tensor& q_BQSH, const at::Tensor& k_BKJH,
                  const at::Tensor& v_BKJH, const at::Tensor& bias,
                  const AttentionSettings& settings) {
  const std::int64_t heads = k_BKJH.size(1);
  const auto q = q_BQSH.unflatten(1, {heads, -1});
  const auto k = k_BKJH.unsqueeze(2);
  auto scores = at::matmul(q, k.transpose(-1, -2)) * settings.scale;
  scores = (scores / settings.softcap).tanh() * settings.softcap;
  scores = scores + bias.unsqueeze(2);
  const auto weights =
      at::softmax(scores, -1, widened(scores)).to(v_BKJH.scalar_type());
  return at::matmul(weights, v_BKJH.unsqueeze(2)).flatten(1, 2);
}

at::Tensor capped_by_chunks(const at::Tensor& q_BQSH, const at::Tensor& k_BKJH,
                            const at::Tensor& v_BKJH, const at::Tensor& bias,
                            const AttentionSettings& settings) {
  std::vector<at::Tensor> parts;
  const std::int64_t length = q_BQSH.size(2);
  for (std::int64_t begin = 0; begin < length; begin += kQueryRows) {
    const std::int64_t rows = std::min(kQueryRows, length - begin);
    parts.push_back(capped(q_BQSH.narrow(2, begin, rows), k_BKJH, v_BKJH,
                           bias.narrow(2, begin, rows), settings));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts, 2);
}

// 0 where a query of the group sees a key and -inf where it does not,
// [B, 1, repeats * S, J] in q's dtype; B is 1 where all rows are alike.
at::Tensor make_bias(const AttentionGroup& group, const at::Tensor& q,
                     std::int64_t window, std::int64_t repeats) {
  const auto indices = at::TensorOptions().dtype(at::kLong).device(q.device());
  at::Tensor hidden_BSJ;
  if (group.from_cache) {
    hidden_BSJ = hidden_keys(group.query_positions_BS,
                             group.key_positions_BJ.defined()
                                 ? group.key_positions_BJ.unsqueeze(1)
                                 : at::arange(group.kv_length, indices),
                             window);
  } else {
    const auto positions = at::arange(group.length, indices);
    hidden_BSJ = hidden_keys(positions.unsqueeze(0), positions, window);
  }
  const std::int64_t rows = hidden_BSJ.size(0);
  const std::int64_t queries = hidden_BSJ.size(1);
  const std::int64_t keys = hidden_BSJ.size(2);
  const std::int64_t space = (keys + kMaskStep - 1) / kMaskStep * kMaskStep;
  const auto bias_BMJ =
      at::zeros({rows, repeats * queries, space}, q.options());
  bias_BMJ.unflatten(1, {repeats, queries})
      .narrow(3, 0, keys)
      .masked_fill_(hidden_BSJ.unsqueeze(1),
                    -std::numeric_limits<double>::infinity());
  return bias_BMJ.unsqueeze(1).narrow(3, 0, keys);
}

const at::Tensor& bias_of(const AttentionGroup& group, const at::Tensor& q,
                          std::int64_t window, std::int64_t repeats) {
  at::Tensor& bias = group.biases[{window, repeats}];
  if (!bias.defined()) {
    bias = make_bias(group, q, window, repeats);
  }
  return bias;
}

// With what hides keys: G query heads of a key head become G queries of it.
at::Tensor attend_with_bias(const at::Tensor& q_BQSH, const at::Tensor& k_BKJH,
                            const at::Tensor& v_BKJH,
                            const AttentionGroup& group, std::int64_t window,
                            double scale) {
  const std::int64_t heads = k_BKJH.size(1);
  const std::int64_t repeats = q_BQSH.size(1) / heads;
  const auto q_BKMH = q_BQSH.unflatten(1, {heads, repeats}).flatten(2, 3);
  const at::Tensor& bias = bias_of(group, q_BQSH, window, repeats);
  const auto out_BKMH =
      has_efficient_attention(q_BQSH.device(), q_BQSH.scalar_type(),
                              q_BQSH.size(3))
          ? attention_with_bias(q_BKMH, k_BKJH, v_BKJH, bias, scale)
          : at::scaled_dot_product_attention(q_BKMH, k_BKJH, v_BKJH, bias,
                                             /*dropout_p=*/0.0,
                                             /*is_causal=*/false, scale);
  return out_BKMH.unflatten(2, {repeats, -1}).flatten(1, 2);
}

at::Tensor attend(const at::Tensor& q_BQSH, const at::Tensor& k_BKJH,
                  const at::Tensor& v_BKJH, const AttentionGroup& group,
                  const AttentionSettings& settings) {
  const std::int64_t window =
      settings.window < group.kv_length ? settings.window : 0;
  if (settings.softcap > 0.0) {
    return capped_by_chunks(q_BQSH, k_BKJH, v_BKJH,
                            bias_of(group, q_BQSH, window, 1), settings);
  }
  if (group.from_cache || window > 0) {
    return attend_with_bias(q_BQSH, k_BKJH, v_BKJH, group, window,
                            settings.scale);
  }
  return at::scaled_dot_product_attention(
      q_BQSH, k_BKJH, v_BKJH, /*attn_mask=*/{}, /*dropout_p=*/0.0,
      /*is_causal=*/true, settings.scale,
      /*enable_gqa=*/q_BQSH.size(1) != k_BKJH.size(1));
}

at::Tensor attend_groups(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                         const at::Tensor& v_TKH, const AttentionPlan& plan,
                         const AttentionSettings& settings,
                         const at::Tensor* cache_keys,
                         const at::Tensor* cache_values) {
  std::vector<at::Tensor> outputs;
  for (const AttentionGroup& group : plan.groups) {
    if (group.offsets_B1.defined()) {
      outputs.push_back(
          attention_of_texts(gathered(q_TQH, group), gathered(k_TKH, group),
                             gathered(v_TKH, group), group.offsets_B1,
                             group.length, settings, plan.flash));
      continue;
    }
    const auto k = seen_by(group, k_TKH, cache_keys);
    const auto v = seen_by(group, v_TKH, cache_values);
    const auto out_BQSH = attend(to_grid(q_TQH, group), k, v, group, settings);
    outputs.push_back(out_BQSH.transpose(1, 2).flatten(0, 1));
  }
  const auto all = outputs.size() == 1 ? outputs[0] : at::cat(outputs, 0);
  return plan.place_T.defined() ? all.index_select(0, plan.place_T) : all;
}

}  // namespace

at::Tensor attention_plain(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                           const at::Tensor& v_TKH, const AttentionPlan& plan,
                           const AttentionSettings& settings,
                           at::Tensor* cache_keys, at::Tensor* cache_values) {
  if (plan.slot_T.defined()) {
    store(k_TKH, v_TKH, plan, *cache_keys, *cache_values);
  }
  return attend_groups(q_TQH, k_TKH, v_TKH, plan, settings, cache_keys,
                       cache_values);
}

void store_keys_and_values(const at::Tensor& k_TKH, const at::Tensor& v_TKH,
                           const PackedBatch& batch, const AttentionPlan& plan,
                           at::Tensor& cache_keys, at::Tensor& cache_values) {
  if (can_fuse_attention(k_TKH, k_TKH, v_TKH, {}, &cache_keys, &cache_values)) {
    store_rows(cache_keys, k_TKH, batch);
    store_rows(cache_values, v_TKH, batch);
    return;
  }
  store(k_TKH, v_TKH, plan, cache_keys, cache_values);
}

at::Tensor attention(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                     const at::Tensor& v_TKH, const PackedBatch& batch,
                     const AttentionPlan& plan,
                     const AttentionSettings& settings, at::Tensor* cache_keys,
                     at::Tensor* cache_values) {
  if (!can_fuse_attention(q_TQH, k_TKH, v_TKH, settings, cache_keys,
                          cache_values)) {
    return attention_plain(q_TQH, k_TKH, v_TKH, plan, settings, cache_keys,
                           cache_values);
  }
  return attention_fused(q_TQH, k_TKH, v_TKH, batch, settings, cache_keys,
                         cache_values);
}

}  // namespace veer
