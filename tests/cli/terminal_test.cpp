// SPDX-License-Identifier: MIT
#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace veer::cli {
namespace {

TEST(Terminal, DurationsReadAsClocks) {
  EXPECT_EQ(duration_text(0.4), "0:00");
  EXPECT_EQ(duration_text(65.2), "1:05");
  EXPECT_EQ(duration_text(7384), "2:03:04");
}

TEST(Terminal, ProgressSaysShareRateAndTimeLeft) {
  ProgressUpdate update{"sweep", 1500, 3000, "answers", "2 cells broke"};
  EXPECT_EQ(progress_line(update, 1500, 30.0, 0),
            "sweep  50 %  1,500/3,000 answers  50/s  0:30 left  "
            "2 cells broke");
  EXPECT_EQ(progress_line(update, 15, 30.0, 10),
            "sweep  [#####-----] 50 %  1,500/3,000 answers  0.5/s  50:00 left"
            "  2 cells broke");
}

TEST(Terminal, ProgressSaysNothingOfTimeBeforeTheFirstUnit) {
  EXPECT_EQ(progress_line({"train", 0, 10, "steps", ""}, 0, 3.0, 0),
            "train  0 %  0/10 steps");
  EXPECT_EQ(progress_line({"read", 5, 0, "files", ""}, 0, 3.0, 0),
            "read  5 files");
}

}  // namespace
}  // namespace veer::cli
