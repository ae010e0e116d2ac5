// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "veer/model/kv_cache.h"
#include "veer/model/packed_batch.h"

namespace veer {

// Rows of a cached pass that repeat another row up to some block: a row that an
// intervention changes at a block is, below it, the row without it. A row that
// joins takes over its leader's states in front of block first_block (before
// the resid_post hooks of the block below are called) and gets, in its own
// slot, the leader's keys and values of the blocks below. It need not be told
// from one that ran from the start: same bits where a row's result does not
// depend on the rows beside it.
//
// Leader and row have the same tokens, here and in their slots, the same start
// and adapter strength, and no hook changes either below first_block.
struct RowSharing {
  // Per row of the batch; rows that run from the start come first, the others
  // follow by first_block. first_block: 0 = from the start, num_layers = never.
  std::vector<std::int64_t> first_block;
  std::vector<std::int64_t> leader;  // a row with first_block 0; else unused
};

// The part of a batch that runs until further rows join: its first `num_rows`.
PackedBatch first_rows(const PackedBatch& batch, std::int64_t num_rows);

// Throws Error unless `sharing` fits the batch as described above (slots'
// contents and hooks are not looked at).
void check_sharing(const RowSharing& sharing, const PackedBatch& batch,
                   std::int64_t num_layers);

// Tokens of the leaders of rows [begin, end) in the packed axis, laid end to
// end.
std::vector<std::int64_t> leader_tokens(const RowSharing& sharing,
                                        const PackedBatch& batch,
                                        std::int64_t begin, std::int64_t end);

// Copies keys and values of the batch's tokens from the leaders' slots to those
// of rows [begin, end), in the blocks below `num_blocks`. CPU only.
void copy_from_leaders(const RowSharing& sharing, const PackedBatch& batch,
                       std::int64_t begin, std::int64_t end,
                       std::int64_t num_blocks, KvCache& cache);

}  // namespace veer
