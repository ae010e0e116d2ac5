// SPDX-License-Identifier: MIT
#include "veer/sweep/no_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

using ::testing::HasSubstr;

TEST(NoChoice, NamesWhatLeftNothing) {
  EXPECT_THAT(no_choice_reason("suppression", {}, 0.0),
              HasSubstr("not tried: sweep.operators"));
  EXPECT_THAT(no_choice_reason("suppression", {40, 0, 0}, 0.0),
              HasSubstr("enough unbroken text"));
  // The text held; the limit of the price took them all.
  EXPECT_EQ(no_choice_reason("induction", {40, 12, 0}, 0.25),
            "each of the 12 cells that left enough unbroken text costs more "
            "than sweep.max_kl = 0.25 nats");
  EXPECT_THAT(no_choice_reason("induction", {40, 12, 5}, 0.25),
              HasSubstr("too few answers have a label"));
}

}  // namespace
}  // namespace veer
