// SPDX-License-Identifier: MIT
#include "veer/model/packed_batch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/host_indices.h"

namespace veer {
namespace {

PackedBatch pack_rows(std::span<const std::vector<std::int32_t>> rows,
                      std::span<const std::int64_t> starts, at::Device device) {
  if (rows.empty()) {
    fail("pack", "no rows", "at least one");
  }
  PackedBatch batch;
  batch.offsets.push_back(0);
  for (const auto& row : rows) {
    if (row.empty()) {
      fail("pack", fmt::format("row {} is empty", batch.offsets.size() - 1),
           "at least one token a row");
    }
    batch.offsets.push_back(batch.offsets.back() +
                            static_cast<std::int64_t>(row.size()));
  }
  batch.starts.assign(rows.size(), 0);
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> positions;
  std::vector<std::int64_t> row_of;
  for (auto* list : {&ids, &positions, &row_of}) {
    list->reserve(batch.offsets.back());
  }
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const std::int64_t start = starts.empty() ? 0 : starts[b];
    batch.starts[b] = start;
    for (std::size_t i = 0; i < rows[b].size(); ++i) {
      ids.push_back(rows[b][i]);
      positions.push_back(start + static_cast<std::int64_t>(i));
      row_of.push_back(static_cast<std::int64_t>(b));
    }
  }
  const auto [smallest, largest] = std::ranges::minmax(ids);
  batch.smallest_id = smallest;
  batch.largest_id = largest;
  HostIndices indices;
  indices.add(batch.ids_T, std::move(ids));
  indices.add(batch.positions_T, std::move(positions));
  indices.add(batch.rows_T, std::move(row_of));
  indices.upload(device);
  return batch;
}

}  // namespace

PackedBatch pack(std::span<const std::vector<std::int32_t>> rows,
                 at::Device device) {
  return pack_rows(rows, {}, device);
}

PackedBatch pack_cached(std::span<const std::vector<std::int32_t>> rows,
                        std::span<const std::int64_t> starts,
                        std::span<const std::int64_t> slots,
                        at::Device device) {
  if (starts.size() != rows.size() || slots.size() != rows.size()) {
    fail("pack_cached",
         fmt::format("{} rows, {} starts, {} slots", rows.size(), starts.size(),
                     slots.size()),
         "one start and one slot a row");
  }
  for (const std::int64_t start : starts) {
    if (start < 0) {
      fail("pack_cached", fmt::format("start {}", start), "0 or more");
    }
  }
  PackedBatch batch = pack_rows(rows, starts, device);
  batch.slots.assign(slots.begin(), slots.end());
  return batch;
}

}  // namespace veer
