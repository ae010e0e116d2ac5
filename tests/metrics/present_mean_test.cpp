// SPDX-License-Identifier: MIT
#include "veer/metrics/present_mean.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(PresentMean, LeavesOutWhatIsMissing) {
  EXPECT_DOUBLE_EQ(present_mean(std::vector{1.0, std::nan(""), 2.0}), 1.5);
  EXPECT_TRUE(std::isnan(present_mean(std::vector{std::nan("")})));
  EXPECT_TRUE(std::isnan(present_mean({})));
}

}  // namespace
}  // namespace veer
