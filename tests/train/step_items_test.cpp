// SPDX-License-Identifier: MIT
#include "veer/train/step_items.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(StepItems, EveryEpochTakesEachItemOnce) {
  SftOptions options;
  options.batch_size = 3;
  options.accumulation = 2;
  options.epochs = 2.0;
  StepItems order(10, options, 5);
  EXPECT_EQ(order.total_steps(), 4);
  std::vector<std::vector<std::int64_t>> epochs(2);
  for (std::int64_t step = 0; step < 4; ++step) {
    const auto items = order.items(step);
    EXPECT_EQ(items.size(), step % 2 == 0 ? 6U : 4U);
    auto& epoch = epochs[static_cast<std::size_t>(step / 2)];
    epoch.insert(epoch.end(), items.begin(), items.end());
  }
  EXPECT_NE(epochs[0], epochs[1]);
  // A step asked for again, or first, is the same.
  EXPECT_EQ(StepItems(10, options, 5).items(3), order.items(3));
  for (auto& epoch : epochs) {
    std::ranges::sort(epoch);
    EXPECT_EQ(epoch, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

}  // namespace
}  // namespace veer
