// SPDX-License-Identifier: MIT
#include "veer/metrics/propensity.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(Propensity, IsDeceptiveMinusHonestPerToken) {
  const AnswerScores scores{0, {{-1.0F, -2.0F, -3.0F}, {-1.0F}}};
  EXPECT_DOUBLE_EQ(propensity_of(scores), 1.0);  // per token: -1 and -2
  EXPECT_THROW(propensity_of({0, {{-1.0F}}}), Error);
}

}  // namespace
}  // namespace veer
