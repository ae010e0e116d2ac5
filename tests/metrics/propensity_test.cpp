// SPDX-License-Identifier: MIT
#include "veer/metrics/propensity.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(Propensity, IsDeceptiveMinusHonestPerToken) {
  const AnswerScores scores{0, {{-1.0F, -2.0F, -3.0F}, {-1.0F}}};
  EXPECT_DOUBLE_EQ(propensity_of(scores), 1.0);  // per token: -1 and -2
  EXPECT_THROW(propensity_of({0, {{-1.0F}}}), Error);
}

TEST(Choice, CancelsAPreferenceForTheFirstOption) {
  // The model likes option A by 2 nats whatever it says.
  const AnswerScores first{0, {{-0.5F}, {-2.5F}}};
  const auto p = choice_propensity(first, first);
  EXPECT_DOUBLE_EQ(p.log_odds, 0.0);
  EXPECT_NEAR(p.valid, std::exp(-0.5) + std::exp(-2.5), 1e-7);
  EXPECT_FALSE(p.orders_agree);
  const AnswerScores second{0, {{-1.5F}, {-1.0F}}};
  const auto agreed = choice_propensity(first, second);
  EXPECT_DOUBLE_EQ(agreed.log_odds, 0.5 * (2.0 + 0.5));
  EXPECT_TRUE(agreed.orders_agree);
}

}  // namespace
}  // namespace veer
