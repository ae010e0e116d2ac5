// SPDX-License-Identifier: MIT
#include "veer/model/row_sharing.h"

#include <algorithm>
#include <cstring>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// Where a row's new tokens lie in a slot of one layer, a piece per head.
struct Pieces {
  std::int64_t heads = 0;
  std::int64_t slot_bytes = 0;
  std::int64_t head_bytes = 0;
  std::int64_t token_bytes = 0;
};

Pieces pieces_of(const at::Tensor& layer) {
  const auto item = static_cast<std::int64_t>(layer.element_size());
  return {layer.size(1), layer.stride(0) * item, layer.stride(1) * item,
          layer.stride(2) * item};
}

void copy_slot(const at::Tensor& layer, std::int64_t from, std::int64_t to,
               std::int64_t start, std::int64_t count) {
  const Pieces pieces = pieces_of(layer);
  auto* const base = static_cast<char*>(layer.data_ptr());
  for (std::int64_t head = 0; head < pieces.heads; ++head) {
    const auto at = head * pieces.head_bytes + start * pieces.token_bytes;
    std::memcpy(base + to * pieces.slot_bytes + at,
                base + from * pieces.slot_bytes + at,
                static_cast<std::size_t>(count * pieces.token_bytes));
  }
}

[[noreturn]] void fail_row(std::int64_t row, const std::string& found,
                           const std::string& expected) {
  fail("forward", fmt::format("shared row {}: {}", row, found), expected);
}

}  // namespace

PackedBatch first_rows(const PackedBatch& batch, std::int64_t num_rows) {
  if (num_rows == batch.num_rows()) {
    return batch;
  }
  PackedBatch part;
  part.offsets.assign(batch.offsets.begin(),
                      batch.offsets.begin() + num_rows + 1);
  part.starts.assign(batch.starts.begin(), batch.starts.begin() + num_rows);
  part.slots.assign(batch.slots.begin(), batch.slots.begin() + num_rows);
  part.stores = batch.stores;
  part.rows_to_join = batch.num_rows() - num_rows;
  const auto tokens = part.num_tokens();
  part.ids_T = batch.ids_T.narrow(0, 0, tokens);
  // Of the whole batch, which is what was checked.
  part.smallest_id = batch.smallest_id;
  part.largest_id = batch.largest_id;
  part.positions_T = batch.positions_T.narrow(0, 0, tokens);
  part.rows_T = batch.rows_T.narrow(0, 0, tokens);
  return part;
}

void check_sharing(const RowSharing& sharing, const PackedBatch& batch,
                   std::int64_t num_layers) {
  const auto rows = static_cast<std::size_t>(batch.num_rows());
  if (batch.slots.empty() || !batch.ids_T.is_cpu()) {
    fail("forward", "shared rows", "a cached pass on the CPU");
  }
  if (sharing.first_block.size() != rows || sharing.leader.size() != rows ||
      sharing.first_block.front() != 0) {
    fail("forward", "shared rows that do not fit the batch",
         "an entry per row, the first one running from the start");
  }
  for (std::size_t b = 1; b < rows; ++b) {
    const auto row = static_cast<std::int64_t>(b);
    const auto block = sharing.first_block[b];
    if (block < sharing.first_block[b - 1] || block > num_layers) {
      fail_row(row, fmt::format("first block {}", block),
               fmt::format("ascending blocks, at most {}", num_layers));
    }
    if (block == 0) {
      continue;
    }
    const auto leader = sharing.leader[b];
    if (leader < 0 || leader >= row || sharing.first_block[leader] != 0 ||
        batch.starts[leader] != batch.starts[row] ||
        batch.length(leader) != batch.length(row)) {
      fail_row(row, fmt::format("leader {}", leader),
               "an equally long row that runs from the start");
    }
  }
}

std::vector<std::int64_t> leader_tokens(const RowSharing& sharing,
                                        const PackedBatch& batch,
                                        std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> tokens;
  for (std::int64_t row = begin; row < end; ++row) {
    const auto leader = sharing.leader[row];
    for (std::int64_t i = 0; i < batch.length(leader); ++i) {
      tokens.push_back(batch.offsets[leader] + i);
    }
  }
  return tokens;
}

void copy_from_leaders(const RowSharing& sharing, const PackedBatch& batch,
                       std::int64_t begin, std::int64_t end,
                       std::int64_t num_blocks, KvCache& cache) {
  if (num_blocks > 0 && !cache.keys(0).is_cpu()) {
    fail("forward", "shared rows", "a cache on the CPU");
  }
  at::parallel_for(0, num_blocks, 1,
                   [&](std::int64_t first, std::int64_t last) {
                     for (std::int64_t layer = first; layer < last; ++layer) {
                       for (std::int64_t row = begin; row < end; ++row) {
                         const auto from = batch.slots[sharing.leader[row]];
                         const auto to = batch.slots[row];
                         copy_slot(cache.keys(layer), from, to,
                                   batch.starts[row], batch.length(row));
                         copy_slot(cache.values(layer), from, to,
                                   batch.starts[row], batch.length(row));
                       }
                     }
                   });
}

}  // namespace veer
