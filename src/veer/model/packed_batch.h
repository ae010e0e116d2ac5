// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// Sequences laid end to end, without padding: row b owns tokens
// offsets[b] .. offsets[b+1]-1 of the packed axis T. All index tensors are
// int64 on the model's device.
struct PackedBatch {
  at::Tensor ids_T;              // token ids
  std::int64_t smallest_id = 0;  // of ids_T, known without asking the device
  std::int64_t largest_id = 0;
  at::Tensor positions_T;  // position within the row's whole text, from 0
  at::Tensor rows_T;       // row b of each token
  std::vector<std::int64_t> offsets;  // B + 1 entries
  // Tokens of the row that an earlier pass already put into the cache; the
  // first packed token of row b has position starts[b]. All 0 without cache.
  std::vector<std::int64_t> starts;
  // Cache slot of each row; empty without cache.
  std::vector<std::int64_t> slots;
  // Whether keys and values of the new tokens go into the slots. If not, the
  // cache stays as it is, each row sees its own new tokens behind those of its
  // slot, and several rows may read one slot.
  bool stores = true;
  // Rows of the pass that are not here yet (row_sharing.h); they come behind.
  std::int64_t rows_to_join = 0;

  std::int64_t num_rows() const {
    return static_cast<std::int64_t>(offsets.size()) - 1;
  }
  std::int64_t num_tokens() const { return offsets.back(); }
  std::int64_t length(std::int64_t row) const {
    return offsets[row + 1] - offsets[row];
  }
};

// Packs whole texts (no cache). Every row must have at least one token.
PackedBatch pack(std::span<const std::vector<std::int32_t>> rows,
                 at::Device device = at::kCPU);

// Packs the next tokens of rows whose first starts[b] tokens lie in the cache
// slots[b].
PackedBatch pack_cached(std::span<const std::vector<std::int32_t>> rows,
                        std::span<const std::int64_t> starts,
                        std::span<const std::int64_t> slots,
                        at::Device device = at::kCPU);

}  // namespace veer
