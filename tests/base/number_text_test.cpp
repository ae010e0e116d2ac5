// SPDX-License-Identifier: MIT
#include "veer/base/number_text.h"

#include <limits>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(NumberText, WhatRoundsToNothingHasNoMinus) {
  EXPECT_EQ(rounded(-0.3, 0), "0");
  EXPECT_EQ(rounded(-0.004, 2), "0.00");
  EXPECT_EQ(rounded(-0.0, 1), "0.0");
  EXPECT_EQ(rounded(-0.25, 2), "-0.25");
  EXPECT_EQ(rounded(-10.0, 0), "-10");
  EXPECT_EQ(signed_rounded(-0.3, 0), "+0");
  EXPECT_EQ(signed_rounded(0.0, 2), "+0.00");
  EXPECT_EQ(signed_rounded(-0.6, 0), "-1");
  EXPECT_EQ(signed_rounded(20.0, 0), "+20");
}

TEST(NumberText, WhatIsNoNumberIsShownAsItIs) {
  EXPECT_EQ(rounded(-std::numeric_limits<double>::infinity(), 2), "-inf");
  EXPECT_EQ(rounded(std::numeric_limits<double>::quiet_NaN(), 2), "nan");
}

TEST(NumberText, NoPIsZero) {
  EXPECT_EQ(p_text(0.00049), "<0.001");
  EXPECT_EQ(p_text(0.0), "<0.001");
  EXPECT_EQ(p_text(0.0005), "0.001");
  EXPECT_EQ(p_text(0.25), "0.250");
  EXPECT_EQ(p_text(1.0), "1.000");
}

}  // namespace
}  // namespace veer
