// SPDX-License-Identifier: MIT
#include "veer/data/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ParseCsv, ReadsQuotesCommasAndLineEnds) {
  const auto rows = parse_csv("a,\"b, \"\"c\"\"\",\r\n\n\"x\ny\",,z", "x.csv");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b, \"c\"", ""));
  EXPECT_THAT(rows[1].fields, ElementsAre("x\ny", "", "z"));
  EXPECT_EQ(rows[1].line, 3);
}

TEST(ParseCsv, NamesTheLineOfAnOpenQuote) {
  try {
    parse_csv("a\n\"b\nc", "x.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.csv, line 2"));
  }
  EXPECT_THROW(parse_csv("\"a\"b\n", "x.csv"), Error);
}

}  // namespace
}  // namespace veer
