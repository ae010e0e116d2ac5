// SPDX-License-Identifier: MIT
#include "veer/data/answer_options.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(OptionLetter, IsNothingButALetter) {
  for (const char* answer : {"(B)", " (B)", "B", "b", "B)", "B.", "(b)"}) {
    EXPECT_EQ(option_letter(answer), 'B') << answer;
  }
  for (const char* answer : {"", "(B", "Be", "(B) Yes", "()", "2", " Yes"}) {
    EXPECT_EQ(option_letter(answer), std::nullopt) << answer;
  }
}

TEST(OptionText, StandsOnALineOfTheQuestion) {
  const char* question =
      "A tiger?\n\nChoices:\n (A) Yes, always.\n (B)  No.\r\n";
  EXPECT_EQ(option_text(question, 'A'), "Yes, always.");
  EXPECT_EQ(option_text(question, 'B'), "No.");
  EXPECT_EQ(option_text(question, 'C'), std::nullopt);
  EXPECT_EQ(option_text("Q\na. x\nb) y\nC: z", 'B'), "y");
  EXPECT_EQ(option_text("Q\n(A)\n", 'A'), std::nullopt);
}

}  // namespace
}  // namespace veer
