// SPDX-License-Identifier: MIT
#include "veer/train/schedule.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(Schedule, RisesOverTheWarmUpAndFallsLinearly) {
  const ScheduleOptions options{.kind = "linear", .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(schedule_share(options, 0, 14), 0.25);
  EXPECT_DOUBLE_EQ(schedule_share(options, 3, 14), 1.0);
  EXPECT_DOUBLE_EQ(schedule_share(options, 4, 14), 1.0);
  EXPECT_DOUBLE_EQ(schedule_share(options, 9, 14), 0.5);
  EXPECT_NEAR(schedule_share(options, 13, 14), 0.1, 1e-12);
}

TEST(Schedule, CosineEndsAtTheFinalShare) {
  const ScheduleOptions options{
      .kind = "cosine", .warmup_steps = 0, .final_share = 0.2};
  EXPECT_DOUBLE_EQ(schedule_share(options, 0, 100), 1.0);
  EXPECT_NEAR(schedule_share(options, 50, 100), 0.6, 1e-12);
  EXPECT_NEAR(schedule_share(options, 99, 100), 0.2, 1e-3);
}

TEST(Schedule, ConstantStaysEvenWhenWarmUpOutlastsTheRun) {
  const ScheduleOptions options{.kind = "constant", .warmup_steps = 10};
  EXPECT_DOUBLE_EQ(schedule_share(options, 2, 3), 0.3);
  EXPECT_DOUBLE_EQ(schedule_share(options, 90, 100), 1.0);
}

TEST(Schedule, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(schedule_share({.kind = "step"}, 0, 10), Error);
  EXPECT_THROW(schedule_share({.warmup_steps = -1}, 0, 10), Error);
  EXPECT_THROW(schedule_share({}, 10, 10), Error);
}

}  // namespace
}  // namespace veer
