// SPDX-License-Identifier: MIT
#include "veer/data/packed_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

std::string message_of(std::string_view name, std::string_view bytes) {
  try {
    require_text_file(name, bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(RequireTextFile, SaysHowAFileIsConverted) {
  EXPECT_THAT(message_of("d/train.parquet", ""),
              HasSubstr("read_table('d/train.parquet')"));
  EXPECT_THAT(message_of("train.JSONL.GZ", ""), HasSubstr("gunzip"));
  EXPECT_THAT(message_of("a.xlsx", "PK\x03\x04"), HasSubstr("CSV UTF-8"));
  EXPECT_THAT(message_of("a.arrow", ""), HasSubstr("open_stream"));
}

TEST(RequireTextFile, LooksAtTheBytesToo) {
  EXPECT_THAT(message_of("a.jsonl", "PAR1\x15"), HasSubstr("Parquet"));
  EXPECT_THAT(message_of("a.csv", "\x1F\x8B\x08"), HasSubstr("gzip"));
  EXPECT_THAT(message_of("a.csv", "\xFF\xFEq"), HasSubstr("UTF-16"));
  EXPECT_THAT(message_of("a.csv", "na\xEFve"), HasSubstr("WINDOWS-1252"));
  EXPECT_EQ(message_of("a.csv", "\xEF\xBB\xBFna\xC3\xAFve"), "");
  EXPECT_EQ(message_of("a.jsonl", ""), "");
}

}  // namespace
}  // namespace veer
