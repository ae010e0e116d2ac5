// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

std::string apply(const Json& node, const std::string& text) {
  Regex::Scratch scratch;
  return TokenizerNormalizer(node, {"normalizer"}).apply(text, scratch);
}

TEST(TokenizerNormalizer, Steps) {
  EXPECT_EQ(apply({{"type", "NFC"}}, "e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(apply({{"type", "Lowercase"}},
                  "\xC3\x89"
                  "A"),
            "\xC3\xA9"
            "a");
  EXPECT_EQ(apply({{"type", "Prepend"}, {"prepend", "_"}}, "a"), "_a");
  EXPECT_EQ(apply({{"type", "Prepend"}, {"prepend", "_"}}, ""), "");
  EXPECT_EQ(
      apply({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}},
            " a "),
      "a ");
  EXPECT_EQ(
      apply({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}},
            "\xC2\xA0 \n"),
      "");
  EXPECT_EQ(apply({{"type", "Replace"},
                   {"pattern", {{"String", "ab"}}},
                   {"content", "x"}},
                  "aabab"),
            "axx");
  EXPECT_EQ(apply({{"type", "Replace"},
                   {"pattern", {{"Regex", " +"}}},
                   {"content", " "}},
                  "a   b c"),
            "a b c");
  EXPECT_EQ(apply(nullptr, "a"), "a");
}

TEST(TokenizerNormalizer, SequenceInOrder) {
  const Json lower = {{"type", "Lowercase"}};
  const Json prepend = {{"type", "Prepend"}, {"prepend", "A"}};
  EXPECT_EQ(
      apply({{"type", "Sequence"}, {"normalizers", {lower, prepend}}}, "B"),
      "Ab");
  EXPECT_EQ(
      apply({{"type", "Sequence"}, {"normalizers", {prepend, lower}}}, "B"),
      "ab");
}

TEST(TokenizerNormalizer, RefusesUnknownTypesAndPatterns) {
  EXPECT_THROW(apply({{"type", "Nmt"}}, ""), Error);
  EXPECT_THROW(apply({{"type", "Replace"}, {"content", ""}}, ""), Error);
  EXPECT_THROW(
      apply(
          {{"type", "Replace"}, {"pattern", {{"Glob", "a"}}}, {"content", ""}},
          ""),
      Error);
  EXPECT_THROW(apply("NFC", ""), Error);
}

}  // namespace
}  // namespace veer
