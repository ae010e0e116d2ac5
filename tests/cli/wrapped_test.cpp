// SPDX-License-Identifier: MIT
#include "cli/wrapped.h"

#include <gtest/gtest.h>

namespace veer::cli {
namespace {

TEST(Wrapped, BreaksBetweenWordsAndKeepsIndents) {
  EXPECT_EQ(wrapped("short\n  lines  stay", 2, 20), "short\n  lines  stay");
  EXPECT_EQ(wrapped("one two three four", 0, 9), "one two\nthree\nfour");
  EXPECT_EQ(wrapped("  one two three", 2, 10), "  one two\n    three");
  EXPECT_EQ(wrapped("a/very/long/path here", 0, 8), "a/very/long/path\nhere");
  // Six code points in ten bytes.
  EXPECT_EQ(wrapped("\u00e4\u00e4 \u00e4\u00e4", 0, 5),
            "\u00e4\u00e4 \u00e4\u00e4");
}

TEST(TwoColumns, WrapBesideTheFirst) {
  EXPECT_EQ(two_columns("name", "text", 8), "name    text\n");
  EXPECT_EQ(two_columns("a long name", "text", 8),
            "a long name\n        text\n");
  const auto lines =
      two_columns("n", std::string(50, 'x') + " " + std::string(50, 'y'), 10);
  EXPECT_EQ(lines, "n         " + std::string(50, 'x') + "\n          " +
                       std::string(50, 'y') + "\n");
}

TEST(CutTo, CountsCodePoints) {
  EXPECT_EQ(cut_to("\u00e4bc", 2), "\u00e4b");
  EXPECT_EQ(cut_to("abc", 5), "abc");
  EXPECT_EQ(columns_of("\u00e4bc"), 3U);
}

}  // namespace
}  // namespace veer::cli
