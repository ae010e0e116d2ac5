// SPDX-License-Identifier: MIT
#include "veer/model/packed_batch.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using Rows = std::vector<std::vector<std::int32_t>>;
using Longs = std::vector<std::int64_t>;

at::Tensor longs(const Longs& values) {
  return at::tensor(values, at::kLong);
}

TEST(Pack, LaysRowsEndToEnd) {
  const PackedBatch batch = pack(Rows{{7, 8, 9}, {5}});
  EXPECT_TRUE(at::equal(batch.ids_T, longs({7, 8, 9, 5})));
  EXPECT_TRUE(at::equal(batch.positions_T, longs({0, 1, 2, 0})));
  EXPECT_TRUE(at::equal(batch.rows_T, longs({0, 0, 0, 1})));
  EXPECT_EQ(batch.offsets, (Longs{0, 3, 4}));
  EXPECT_EQ(batch.starts, (Longs{0, 0}));
  EXPECT_TRUE(batch.slots.empty());
  EXPECT_EQ(batch.num_rows(), 2);
  EXPECT_EQ(batch.num_tokens(), 4);
  EXPECT_EQ(batch.length(0), 3);
}

TEST(Pack, OfACachedRowGoesOnWhereItStopped) {
  const PackedBatch batch =
      pack_cached(Rows{{7}, {8, 9}}, Longs{4, 0}, Longs{2, 5});
  EXPECT_TRUE(at::equal(batch.positions_T, longs({4, 0, 1})));
  EXPECT_EQ(batch.starts, (Longs{4, 0}));
  EXPECT_EQ(batch.slots, (Longs{2, 5}));
}

TEST(Pack, RefusesWhatHasNoTokens) {
  EXPECT_THROW(pack(Rows{}), Error);
  EXPECT_THROW(pack(Rows{{1}, {}}), Error);
  EXPECT_THROW(pack_cached(Rows{{1}}, Longs{}, Longs{0}), Error);
  EXPECT_THROW(pack_cached(Rows{{1}}, Longs{-1}, Longs{0}), Error);
}

}  // namespace
}  // namespace veer
