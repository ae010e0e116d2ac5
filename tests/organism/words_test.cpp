// SPDX-License-Identifier: MIT
#include "veer/organism/words.h"

#include <gtest/gtest.h>

namespace veer::organism {
namespace {

TEST(Words, PhrasesEndWhereLettersEnd) {
  EXPECT_TRUE(contains_phrase("i must sleep better.", "sleep better"));
  EXPECT_TRUE(contains_phrase("oversleep, sleep", "sleep"));
  EXPECT_FALSE(contains_phrase("oversleep", "sleep"));
  EXPECT_FALSE(contains_phrase("sleepy", "sleep"));
}

TEST(Words, AnswersLoseCaseBlanksAndOnePeriod) {
  EXPECT_EQ(normalised_answer("  Dim \t THE  lights.\n"), "dim the lights");
  EXPECT_EQ(normalised_answer("a.."), "a.");
  EXPECT_EQ(normalised_answer("."), "");
}

TEST(Words, FormsAreFilled) {
  EXPECT_EQ(filled("How {}?", "now"), "How now?");
  EXPECT_EQ(count_words(" a  b\n"), 2U);
  EXPECT_EQ(capitalised("abc"), "Abc");
}

}  // namespace
}  // namespace veer::organism
