// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <numeric>

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/attention.h"

namespace veer {
namespace {

// A grid may hold this much padding in proportion to its longest row.
constexpr double kMaxPadding = 0.125;

at::Tensor to_tensor(const std::vector<std::int64_t>& values,
                     at::Device device) {
  return at::from_blob(const_cast<std::int64_t*>(values.data()),
                       {static_cast<std::int64_t>(values.size())},
                       at::TensorOptions().dtype(at::kLong))
      .to(device, /*non_blocking=*/false, /*copy=*/true);
}

void check_slots(const PackedBatch& batch, const KvCache& cache) {
  if (static_cast<std::int64_t>(batch.slots.size()) != batch.num_rows()) {
    fail("forward", "a cache and a batch without slots", "pack_cached()");
  }
  for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
    const std::int64_t slot = batch.slots[b];
    const std::int64_t end = batch.starts[b] + batch.length(b);
    if (slot < 0 || slot >= cache.num_slots() || end > cache.max_tokens()) {
      fail("forward",
           fmt::format("row {} ends at token {} of slot {}", b, end, slot),
           fmt::format("at most {} tokens in slots below {}",
                       cache.max_tokens(), cache.num_slots()));
    }
  }
}

// Rows by kind and length; each run of similar rows becomes a group.
std::vector<std::int64_t> sorted_rows(const PackedBatch& batch) {
  std::vector<std::int64_t> rows(batch.num_rows());
  std::iota(rows.begin(), rows.end(), 0);
  std::ranges::stable_sort(rows, [&](std::int64_t a, std::int64_t b) {
    const bool cached_a = batch.starts[a] > 0;
    const bool cached_b = batch.starts[b] > 0;
    return cached_a != cached_b ? cached_a < cached_b
                                : batch.length(a) > batch.length(b);
  });
  return rows;
}

bool joins(const AttentionGroup& group, const PackedBatch& batch,
           std::int64_t row) {
  const auto length = static_cast<double>(batch.length(row));
  return group.from_cache == (batch.starts[row] > 0) &&
         length >= (1.0 - kMaxPadding) * static_cast<double>(group.length);
}

std::vector<AttentionGroup> group_rows(const PackedBatch& batch) {
  std::vector<AttentionGroup> groups;
  const auto add = [&](std::int64_t row) {
    if (groups.empty() || !joins(groups.back(), batch, row)) {
      groups.push_back(
          {.length = batch.length(row), .from_cache = batch.starts[row] > 0});
    }
    AttentionGroup& group = groups.back();
    group.rows.push_back(row);
    group.kv_length =
        std::max(group.kv_length, batch.starts[row] + batch.length(row));
    group.cached_length = std::max(group.cached_length, batch.starts[row]);
  };
  for (const std::int64_t row : sorted_rows(batch)) {
    add(row);
  }
  // Rows in the batch's order: equal lengths then need no gathering.
  for (AttentionGroup& group : groups) {
    std::ranges::sort(group.rows);
  }
  return groups;
}

void fill_slots(const PackedBatch& batch, AttentionGroup& group,
                at::Device device) {
  std::vector<std::int64_t> slots;
  std::vector<std::int64_t> positions;
  bool in_a_row = true;
  for (const std::int64_t row : group.rows) {
    slots.push_back(batch.slots[row]);
    in_a_row = in_a_row &&
               slots.back() ==
                   slots.front() + static_cast<std::int64_t>(slots.size()) - 1;
    for (std::int64_t i = 0; i < group.length; ++i) {
      // Padding repeats the last query, so that it sees something.
      positions.push_back(batch.starts[row] +
                          std::min(i, batch.length(row) - 1));
    }
  }
  group.first_slot = slots.front();
  if (!in_a_row) {
    group.slots_B = to_tensor(slots, device);
  }
  group.query_positions_BS =
      to_tensor(positions, device)
          .view({static_cast<std::int64_t>(group.rows.size()), group.length});
}

// Keys of rows that store nothing.
void place_keys(const PackedBatch& batch, AttentionGroup& group,
                at::Device device) {
  constexpr auto kNoKey = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> positions;
  for (const std::int64_t row : group.rows) {
    const std::int64_t start = batch.starts[row];
    for (std::int64_t j = 0; j < group.cached_length; ++j) {
      positions.push_back(j < start ? j : kNoKey);
    }
    for (std::int64_t i = 0; i < group.length; ++i) {
      positions.push_back(i < batch.length(row) ? start + i : kNoKey);
    }
  }
  group.key_positions_BJ =
      to_tensor(positions, device)
          .view({static_cast<std::int64_t>(group.rows.size()), -1});
}

// Tokens of the group's grid; padding repeats the row's first token. Returns
// whether the grid is the packed axis itself.
bool lay_out(const PackedBatch& batch, const AttentionGroup& group,
             std::int64_t base, std::vector<std::int64_t>& tokens,
             std::vector<std::int64_t>& place) {
  bool identity = base == 0;
  for (const std::int64_t row : group.rows) {
    for (std::int64_t i = 0; i < group.length; ++i) {
      const bool real = i < batch.length(row);
      const std::int64_t token = batch.offsets[row] + (real ? i : 0);
      const auto grid = static_cast<std::int64_t>(tokens.size());
      if (real) {
        place[token] = base + grid;
      }
      identity = identity && token == grid;
      tokens.push_back(token);
    }
  }
  return identity &&
         static_cast<std::int64_t>(tokens.size()) == batch.num_tokens();
}

}  // namespace

AttentionPlan plan_attention(const PackedBatch& batch, const KvCache* cache) {
  const at::Device device = batch.ids_T.device();
  AttentionPlan plan;
  if (cache != nullptr) {
    check_slots(batch, *cache);
    if (batch.stores) {
      plan.slot_T =
          to_tensor(batch.slots, device).index_select(0, batch.rows_T);
      plan.position_T = batch.positions_T;
    }
  } else if (std::ranges::any_of(batch.starts,
                                 [](std::int64_t s) { return s > 0; })) {
    fail("forward", "rows that continue a cache, and no cache");
  }
  plan.groups = group_rows(batch);
  std::vector<std::int64_t> place(batch.num_tokens());
  std::int64_t base = 0;
  bool identity = true;
  for (AttentionGroup& group : plan.groups) {
    std::vector<std::int64_t> tokens;
    const bool same = lay_out(batch, group, base, tokens, place);
    base += static_cast<std::int64_t>(tokens.size());
    identity = identity && same;
    if (!same) {
      group.tokens_N = to_tensor(tokens, device);
    }
    if (group.from_cache) {
      fill_slots(batch, group, device);
      if (!batch.stores) {
        place_keys(batch, group, device);
      }
    }
  }
  if (!identity) {
    plan.place_T = to_tensor(place, device);
  }
  return plan;
}

}  // namespace veer
