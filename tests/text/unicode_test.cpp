// SPDX-License-Identifier: MIT
#include "veer/text/unicode.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

const std::string kMark = "\xEF\xBF\xBD";

TEST(Unicode, ValidityAndRepairByMaximalParts) {
  const struct {
    std::string bytes, repaired;
  } rows[] = {
      {"abc", "abc"},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"\xE4\xBD", kMark},      // cut
      {"\xF0\x9F\x98", kMark},  // cut
      {"\xF0\x9F"
       "a",
       kMark + "a"},                            // two bytes, one part
      {"\xED\xA0\x80", kMark + kMark + kMark},  // a surrogate
      {"\xC0\xAF", kMark + kMark},              // overlong
      {"\xE0\x80\x80", kMark + kMark + kMark},  // overlong
      {"\xF4\x90\x80\x80", kMark + kMark + kMark + kMark},  // > U+10FFFF
      {"\x80"
       "a\xFF",
       kMark + "a" + kMark},
      {"", ""},
  };
  for (const auto& [bytes, repaired] : rows) {
    EXPECT_EQ(to_valid_utf8(bytes), repaired);
    EXPECT_EQ(is_valid_utf8(bytes), bytes == repaired);
  }
}

TEST(Unicode, StreamingRepairLeavesOpenCharacters) {
  std::string out;
  EXPECT_EQ(repair_utf8("ab\xF0\x9F\x98", /*final=*/false, out), 2U);
  EXPECT_EQ(out, "ab");
  EXPECT_EQ(repair_utf8("\xF0\x9F"
                        "b",
                        /*final=*/false, out),
            3U);
  EXPECT_EQ(out, "ab" + kMark + "b");
}

TEST(Unicode, CodePointsThereAndBack) {
  for (const char32_t c : {U'a', U'\u00E9', U'\u20AC', U'\U0001F600'}) {
    std::string text;
    append_utf8(text, c);
    std::size_t at = 0;
    EXPECT_EQ(next_code_point(text, at), c);
    EXPECT_EQ(at, text.size());
    EXPECT_EQ(previous_character("x" + text, 1 + text.size()), 1U);
  }
}

TEST(Unicode, Properties) {
  EXPECT_TRUE(is_white_space(0x85));
  EXPECT_TRUE(is_white_space(0x3000));
  EXPECT_FALSE(is_white_space(0x180E));
  EXPECT_FALSE(is_white_space(0x200B));
  EXPECT_FALSE(is_white_space(0x1C));
  EXPECT_TRUE(is_numeric(0xBD));
  EXPECT_TRUE(is_numeric(0x2167));
  EXPECT_FALSE(is_numeric(U'a'));
  EXPECT_TRUE(is_punctuation(U'$'));
  EXPECT_TRUE(is_punctuation(0x2019));
  EXPECT_FALSE(is_punctuation(0x20AC));
}

TEST(Unicode, NormalForms) {
  const std::string composed = "\xC3\xA9";  // e acute
  const std::string apart = "e\xCC\x81";
  EXPECT_EQ(normalize(apart, NormalForm::kNfc), composed);
  EXPECT_EQ(normalize(composed, NormalForm::kNfd), apart);
  EXPECT_EQ(normalize("\xEF\xAC\x81", NormalForm::kNfkc), "fi");
  EXPECT_EQ(normalize("\xEF\xAC\x81", NormalForm::kNfc), "\xEF\xAC\x81");
  // Hangul: vowel and trailing consonant join, also after a syllable.
  EXPECT_EQ(normalize("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", NormalForm::kNfc),
            "\xEA\xB0\x81");
  EXPECT_EQ(normalize("\xEA\xB0\x80\xE1\x86\xA8", NormalForm::kNfc),
            "\xEA\xB0\x81");
  EXPECT_EQ(normalize("\xEA\xB0\x81", NormalForm::kNfd),
            "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8");
  // Marks go into canonical order: dot below (220) before acute (230).
  EXPECT_EQ(normalize("q\xCC\x81\xCC\xA3", NormalForm::kNfd),
            "q\xCC\xA3\xCC\x81");
  // A composition exclusion decomposes for good.
  EXPECT_EQ(normalize("\xE0\xA5\x98", NormalForm::kNfc),
            "\xE0\xA4\x95\xE0\xA4\xBC");
}

std::string text_of(const std::u32string& points) {
  std::string out;
  for (const char32_t c : points) {
    append_utf8(out, c);
  }
  return out;
}

// Expected values are those of PyPI tokenizers 0.23.3.
TEST(Unicode, NormalFormsAreThoseOfTheReference) {
  const struct {
    NormalForm form;
    std::u32string text, expected;
  } rows[] = {
      // U+11A7 is no trailing consonant: it stays behind a syllable.
      {NormalForm::kNfc, U"\uAC00\u11A7", U"\uAC00\u11A7"},
      {NormalForm::kNfkc, U"\u3270\u11A7\u0323", U"\uB2E4\u11A7\u0323"},
      {NormalForm::kNfc, U"\u1164\uA826\u0360\uCC28\u11A7\u11C2\u033B",
       U"\u1164\uA826\u0360\uCC28\u11A7\u11C2\u033B"},
      // Marks that came after Unicode 9 have no class: nothing moves past
      // them and nothing joins across them.
      {NormalForm::kNfc, U"\u0430\U0001E130\u0306\u0323",
       U"\u0430\U0001E130\u0323\u0306"},
      {NormalForm::kNfc, U"\u0438\u1DF6\u0306", U"\u0438\u1DF6\u0306"},
      {NormalForm::kNfd, U"a\u0315\u0D3B", U"a\u0315\u0D3B"},
      {NormalForm::kNfc, U"\u0DD9\u1ABF\u0DCA", U"\u0DD9\u1ABF\u0DCA"},
      // Nor have later characters a decomposition.
      {NormalForm::kNfc, U"\U00011935\U00011930", U"\U00011935\U00011930"},
      {NormalForm::kNfkd, U"\u32FF", U"\u32FF"},
      {NormalForm::kNfkc, U"\U0001FBF3", U"\U0001FBF3"},
      // Compositions of several scripts, singletons and exclusions.
      {NormalForm::kNfc, U"\u0438\u0306", U"\u0439"},
      {NormalForm::kNfc, U"\u0DD9\u0DCF\u0DCA", U"\u0DDD"},
      {NormalForm::kNfc, U"\u0DD9\u0DCA\u0DCF", U"\u0DDA\u0DCF"},
      {NormalForm::kNfc, U"\u00A8\u0301", U"\u0385"},
      {NormalForm::kNfc, U"\u1FEE\u0344", U"\u0385\u0308\u0301"},
      {NormalForm::kNfc, U"\U00011099\U000110BA", U"\U0001109A"},
      {NormalForm::kNfc, U"\u0061\u0323\u0302", U"\u1EAD"},
  };
  for (const auto& [form, text, expected] : rows) {
    EXPECT_EQ(normalize(text_of(text), form), text_of(expected));
  }
}

TEST(Unicode, LongRunsOfMarksAreNotQuadratic) {
  std::string marks = "a";
  std::string ordered = "a";
  for (int i = 0; i < 100'000; ++i) {
    marks += i % 2 == 0 ? "\xCC\x95" : "\xCC\xA3";  // classes 232, 220
  }
  for (int i = 0; i < 100'000; ++i) {
    ordered += i < 50'000 ? "\xCC\xA3" : "\xCC\x95";
  }
  EXPECT_EQ(normalize(marks, NormalForm::kNfd), ordered);
}

TEST(Unicode, LowerCaseByCharacter) {
  EXPECT_EQ(to_lower("A\xC3\x89\xCE\xA3"), "a\xC3\xA9\xCF\x83");
  EXPECT_EQ(to_lower("\xC4\xB0"), "i\xCC\x87");
  // Letters of Unicode 16 and 17.
  EXPECT_EQ(to_lower(text_of(U"\u1C89\uA7CB\uA7DC\U00010D50\U00016EB8")),
            text_of(U"\u1C8A\u0264\u019B\U00010D70\U00016ED3"));
}

}  // namespace
}  // namespace veer
