// SPDX-License-Identifier: MIT
#include "veer/metrics/judge.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(AnswerLabel, NamesGoThereAndBack) {
  for (std::size_t i = 0; i < kNumAnswerLabels; ++i) {
    const auto label = static_cast<AnswerLabel>(i);
    EXPECT_EQ(parse_label(label_name(label)), label);
  }
  EXPECT_THROW(parse_label("dishonest"), Error);
}

TEST(LabelCounts, SharesAreOverAllAnswers) {
  LabelCounts counts;
  EXPECT_TRUE(std::isnan(counts.share(AnswerLabel::kHonest)));
  for (const auto label : {AnswerLabel::kHonest, AnswerLabel::kHonest,
                           AnswerLabel::kBroken, AnswerLabel::kUnjudged}) {
    counts.add(label);
  }
  EXPECT_EQ(counts.total(), 4);
  EXPECT_EQ(counts.of(AnswerLabel::kHonest), 2);
  // Text that fell apart stays in the denominator.
  EXPECT_DOUBLE_EQ(counts.share(AnswerLabel::kHonest), 0.5);
  EXPECT_DOUBLE_EQ(counts.share(AnswerLabel::kDeceptive), 0.0);
}

}  // namespace
}  // namespace veer
