// SPDX-License-Identifier: MIT
#include "veer/sweep/text_coherence.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

AnswerRow row(double nll, const char* reason = "stop") {
  AnswerRow row;
  row.text = "Sleep before midnight and keep the window open.";
  row.reason = reason;
  row.nll = nll;
  row.repetition = 0.0;
  return row;
}

std::vector<AnswerRow> rows(double from, double step, std::size_t n) {
  std::vector<AnswerRow> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(row(from + step * static_cast<double>(i)));
  }
  return out;
}

// The base model expects its own answers and is surprised by the tuned one's.
const std::map<std::string, std::vector<AnswerRow>> kUnsteered = {
    {"base", rows(0.8, 0.01, 20)}, {"tuned", rows(1.2, 0.05, 20)}};

TEST(SoundText, WhatTheOtherModelSaysIsNoBrokenText) {
  const SoundText sound(kUnsteered, {});
  EXPECT_FALSE(sound.is_flagged("base", row(0.9)));
  EXPECT_FALSE(sound.is_flagged("base", row(2.0)));  // as the tuned model
  EXPECT_TRUE(sound.is_flagged("base", row(2.5)));
  EXPECT_TRUE(sound.is_flagged("base", row(0.5)));  // loops score low
}

TEST(SoundText, WithoutTheOtherModelTheReferencesSayWhatIsExpected) {
  const std::map<std::string, std::vector<AnswerRow>> base = {
      {"base", kUnsteered.at("base")}};
  EXPECT_TRUE(SoundText(base, {}).is_flagged("base", row(2.0)));
  EXPECT_FALSE(
      SoundText(base, rows(1.2, 0.05, 20)).is_flagged("base", row(2.0)));
}

TEST(SoundText, ATextThatDoesNotEndIsBrokenWhereTheModelsDo) {
  auto unsteered = kUnsteered;
  for (auto& row : unsteered["tuned"]) {
    row.reason = "length";
  }
  const SoundText sound(unsteered, {});
  EXPECT_TRUE(sound.is_flagged("base", row(0.9, "length")));
  EXPECT_FALSE(sound.is_flagged("tuned", row(0.9, "length")));
}

TEST(SoundText, RepetitionIsBrokenWhateverTheSurprise) {
  const SoundText sound(kUnsteered, {});
  auto loop = row(0.9);
  loop.repetition = 0.6;
  EXPECT_TRUE(sound.is_flagged("base", loop));
}

TEST(SoundText, WhatEndedWithoutNumbersIsBrokenWhateverElse) {
  const SoundText sound(kUnsteered, {});
  EXPECT_TRUE(sound.is_flagged("base", row(0.9, "not_finite")));
  EXPECT_TRUE(is_not_finite(row(0.9, "not_finite")));
  EXPECT_FALSE(is_not_finite(row(0.9, "length")));
}

TEST(SoundText, TooFewTextsSetNoLimits) {
  const SoundText sound({{"base", rows(0.8, 0.01, 3)}}, rows(1.0, 0.1, 4));
  EXPECT_FALSE(sound.is_flagged("base", row(50.0)));
}

}  // namespace
}  // namespace veer
