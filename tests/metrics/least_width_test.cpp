// SPDX-License-Identifier: MIT
#include "veer/metrics/least_width.h"

#include <vector>

#include <gtest/gtest.h>

#include "veer/metrics/intervals.h"

namespace veer {
namespace {

TEST(LeastWidth, IsThatOfWilsonWhereQuestionsStandAlone) {
  // z^2 / (n + z^2), the upper end of Wilson's interval of 0 of n.
  EXPECT_NEAR(least_half_width(20, 0), 3.841459 / 23.841459, 1e-6);
  EXPECT_NEAR(least_half_width(200, 0), 3.841459 / 203.841459, 1e-6);
  EXPECT_EQ(least_half_width(0, 0), 1.0);
}

TEST(LeastWidth, FewUnitsLeaveMoreOpen) {
  EXPECT_GT(least_half_width(160, 8), least_half_width(160, 16));
  EXPECT_GT(least_half_width(160, 16), least_half_width(160, 0));
  // More questions of the same topics do not help for ever.
  EXPECT_GT(least_half_width(16000, 16), 0.1 * least_half_width(160, 16));
}

// Answers of which some are of the kind, some moved, in units of other sizes.
TEST(LeastWidth, NoRealIntervalReachesLess) {
  const std::int64_t sizes[] = {20, 12, 9, 9, 7, 7, 6, 6,
                                6,  5,  5, 5, 5, 4, 3, 3};
  std::vector<std::int64_t> units;
  std::vector<double> before;
  std::vector<double> after;
  for (std::int64_t u = 0; u < 16; ++u) {
    for (std::int64_t q = 0; q < sizes[u]; ++q) {
      units.push_back(u);
      before.push_back(u == 3 && q < 4 ? 1.0 : 0.0);
      after.push_back(u == 3 && q < 5 ? 1.0 : 0.0);
    }
  }
  const auto n = std::ssize(units);
  const auto real = share_difference(after, n, before, n, 0.95, units);
  EXPECT_GE(real.high, least_half_width(n, 16));
}

}  // namespace
}  // namespace veer
