// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/vocabulary.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(StringIndex, FindsWhatWasInserted) {
  StringIndex index(2);
  EXPECT_EQ(index.find("a"), -1);
  for (int i = 0; i < 5000; ++i) {  // grows far beyond the promise
    EXPECT_TRUE(index.insert("key" + std::to_string(i), i));
  }
  EXPECT_TRUE(index.insert("", 7));
  EXPECT_FALSE(index.insert("key3", 9));
  EXPECT_EQ(index.find("key3"), 9);
  EXPECT_EQ(index.find("key4999"), 4999);
  EXPECT_EQ(index.find(""), 7);
  EXPECT_EQ(index.find("key5000"), -1);
}

TEST(ByteCharacters, AreGpt2sAlphabet) {
  EXPECT_EQ(byte_to_character('!'), U'!');
  EXPECT_EQ(byte_to_character(' '), char32_t{0x120});
  EXPECT_EQ(byte_to_character(0x00), char32_t{0x100});
  EXPECT_EQ(byte_to_character(0xAD), char32_t{0x143});
  EXPECT_EQ(byte_to_character(0xFF), char32_t{0xFF});
  for (int b = 0; b < 256; ++b) {
    EXPECT_EQ(
        character_to_byte(byte_to_character(static_cast<unsigned char>(b))), b);
  }
  EXPECT_EQ(character_to_byte(U' '), -1);
  EXPECT_EQ(character_to_byte(0x144), -1);
  EXPECT_EQ(character_to_byte(0x10FFFF), -1);
}

TEST(ByteCharacters, ThereAndBack) {
  const std::string text("a \n\xC3\xA9\x00", 6);
  std::string bytes;
  EXPECT_TRUE(from_byte_characters(to_byte_characters(text), bytes));
  EXPECT_EQ(bytes, text);
  EXPECT_FALSE(from_byte_characters("a b", bytes));
}

}  // namespace
}  // namespace veer
