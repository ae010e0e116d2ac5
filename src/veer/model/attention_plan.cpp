// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/attention.h"
#include "veer/model/attention_device.h"
#include "veer/model/host_indices.h"

namespace veer {
namespace {

// A grid may hold this much padding in proportion to its longest row.
constexpr double kMaxPadding = 0.125;

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

// `end_to_end`: whole texts need not be alike.
bool joins(const AttentionGroup& group, const PackedBatch& batch,
           std::int64_t row, bool end_to_end) {
  const auto length = static_cast<double>(batch.length(row));
  return group.from_cache == (batch.starts[row] > 0) &&
         ((end_to_end && !group.from_cache) ||
          length >= (1.0 - kMaxPadding) * static_cast<double>(group.length));
}

std::vector<AttentionGroup> group_rows(const PackedBatch& batch,
                                       bool end_to_end) {
  std::vector<AttentionGroup> groups;
  const auto add = [&](std::int64_t row) {
    if (groups.empty() || !joins(groups.back(), batch, row, end_to_end)) {
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
                HostIndices& indices) {
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
    indices.add(group.slots_B, std::move(slots));
  }
  indices.add(group.query_positions_BS, std::move(positions));
}

// Keys of rows that store nothing.
void place_keys(const PackedBatch& batch, AttentionGroup& group,
                HostIndices& indices) {
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
  indices.add(group.key_positions_BJ, std::move(positions));
}

// Tokens of the group's grid; padding repeats the row's first token, and texts
// end to end have none. Returns whether the grid is the packed axis itself.
bool lay_out(const PackedBatch& batch, const AttentionGroup& group,
             bool end_to_end, std::int64_t base,
             std::vector<std::int64_t>& tokens,
             std::vector<std::int64_t>& place) {
  bool identity = base == 0;
  for (const std::int64_t row : group.rows) {
    const std::int64_t length = end_to_end ? batch.length(row) : group.length;
    for (std::int64_t i = 0; i < length; ++i) {
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

// Where the texts of a group begin.
std::vector<std::int64_t> beginnings(const PackedBatch& batch,
                                     const AttentionGroup& group) {
  std::vector<std::int64_t> result = {0};
  for (const std::int64_t row : group.rows) {
    result.push_back(result.back() + batch.length(row));
  }
  return result;
}

// Slot of each token.
std::vector<std::int64_t> slots_of_tokens(const PackedBatch& batch) {
  std::vector<std::int64_t> slots;
  for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
    slots.insert(slots.end(), batch.length(row), batch.slots[row]);
  }
  return slots;
}

void check_cache(const PackedBatch& batch, const KvCache* cache) {
  if (cache != nullptr) {
    check_slots(batch, *cache);
  } else if (std::ranges::any_of(batch.starts,
                                 [](std::int64_t s) { return s > 0; })) {
    fail("forward", "rows that continue a cache, and no cache");
  }
}

// Whether whole texts go through one call as they lie.
bool takes_end_to_end(const PackedBatch& batch, const AttentionUse& use,
                      bool flash) {
  std::int64_t longest = 0;
  for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
    longest = std::max(longest, batch.length(row));
  }
  const bool windowed = use.window > 0 && use.window < longest;
  return !use.softcap &&
         (flash ||
          (!windowed && has_efficient_attention(batch.ids_T.device(), use.dtype,
                                                use.head_width)));
}

// Rows and places of all groups, and where the packed tokens lie in them.
void lay_out_groups(const PackedBatch& batch, bool end_to_end,
                    AttentionPlan& plan, HostIndices& indices) {
  std::vector<std::int64_t> place(batch.num_tokens());
  std::int64_t base = 0;
  bool identity = true;
  for (AttentionGroup& group : plan.groups) {
    const bool texts = end_to_end && !group.from_cache;
    std::vector<std::int64_t> tokens;
    const bool same = lay_out(batch, group, texts, base, tokens, place);
    base += static_cast<std::int64_t>(tokens.size());
    identity = identity && same;
    if (!same) {
      indices.add(group.tokens_N, std::move(tokens));
    }
    if (texts) {
      indices.add(group.offsets_B1, beginnings(batch, group));
    }
    if (group.from_cache) {
      fill_slots(batch, group, indices);
      if (!batch.stores) {
        place_keys(batch, group, indices);
      }
    }
  }
  if (!identity) {
    indices.add(plan.place_T, std::move(place));
  }
}

}  // namespace

AttentionPlan plan_attention(const PackedBatch& batch, const KvCache* cache,
                             const AttentionUse& use) {
  const at::Device device = batch.ids_T.device();
  check_cache(batch, cache);
  AttentionPlan plan;
  HostIndices indices;
  if (cache != nullptr && batch.stores) {
    indices.add(plan.slot_T, slots_of_tokens(batch));
    plan.position_T = batch.positions_T;
  }
  plan.flash = has_flash_attention(device, use.dtype, use.head_width);
  const bool end_to_end = takes_end_to_end(batch, use, plan.flash);
  plan.groups = group_rows(batch, end_to_end);
  lay_out_groups(batch, end_to_end, plan, indices);
  indices.upload(device);
  for (AttentionGroup& group : plan.groups) {
    const auto rows = static_cast<std::int64_t>(group.rows.size());
    for (at::Tensor* positions :
         {&group.query_positions_BS, &group.key_positions_BJ}) {
      if (positions->defined()) {
        *positions = positions->view({rows, -1});
      }
    }
    if (group.offsets_B1.defined()) {
      group.offsets_B1 = group.offsets_B1.to(at::kInt);
    }
  }
  return plan;
}

}  // namespace veer
