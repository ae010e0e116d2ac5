// SPDX-License-Identifier: MIT
#include "cli/shown_text.h"

#include <string>

#include <gtest/gtest.h>

namespace veer::cli {
namespace {

TEST(ShownText, KeepsWhatOnlyWrites) {
  const std::string text =
      "One\n\ttwo, dr\xC3\xA4i \xE2\x80\x94 \xF0\x9F\x99\x82";
  EXPECT_EQ(shown_text(text), text);
}

TEST(ShownText, WritesOutWhatWouldMoveTheTerminal) {
  EXPECT_EQ(shown_text("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(shown_text("over\rwritten"), "over\\rwritten");
  EXPECT_EQ(shown_text(std::string("\0\a\b\x7f", 4)), "\\x00\\x07\\x08\\x7f");
  // CSI as one character, which terminals obey too.
  EXPECT_EQ(shown_text("a\xC2\x9B"
                       "2Jb"),
            "a\\x9b2Jb");
  // The byte by itself is no UTF-8.
  EXPECT_EQ(shown_text("a\x9B"
                       "2Jb"),
            "a\xEF\xBF\xBD"
            "2Jb");
}

TEST(ShownText, ATokenStaysOnItsLine) {
  EXPECT_EQ(shown_token(" a\n\tb\x1b"), " a\\n\\tb\\x1b");
}

}  // namespace
}  // namespace veer::cli
