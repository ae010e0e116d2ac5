// SPDX-License-Identifier: MIT
#include "veer/data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> rows(const std::string& text, const char* name) {
  std::vector<std::string> out;
  for_each_table_row(
      text, name,
      [&](const std::function<Json()>& read, const std::string& place) {
        out.push_back(place + " " + dump_json(read()));
      });
  return out;
}

std::string message_of(const std::string& text) {
  try {
    rows(text, "t.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ForEachTableRow, ReadsWhatPandasAndExcelWrite) {
  EXPECT_THAT(rows(",a,b\n0,x,\"y, \"\"z\"\"\"\n1,\"two\nlines\",w\n", "t.csv"),
              ElementsAre(R"(t.csv, line 2 {"a":"x","b":"y, \"z\""})",
                          R"(t.csv, line 3 {"a":"two\nlines","b":"w"})"));
  EXPECT_THAT(rows("\xEF\xBB\xBFsep=;\r\na;b\r\nx;\"y;z\"\r\n;\r\n", "t.csv"),
              ElementsAre(R"(t.csv, line 3 {"a":"x","b":"y;z"})"));
  EXPECT_THAT(rows("a\tb\nx, y\t\"z\"\n", "T.TSV"),
              ElementsAre(R"(T.TSV, line 2 {"a":"x, y","b":"z"})"));
  EXPECT_THAT(rows("a;b\nx;y\n", "t.csv"),
              ElementsAre(R"(t.csv, line 2 {"a":"x","b":"y"})"));
  EXPECT_THAT(rows("a\tb\nx\ty\n", "t.csv"),
              ElementsAre(R"(t.csv, line 2 {"a":"x","b":"y"})"));
  EXPECT_THAT(rows("", "t.csv"), ElementsAre());
}

TEST(ForEachTableRow, NamesTheLineOfAWrongRow) {
  EXPECT_THAT(message_of("a,b\nx,y\nz\n"),
              HasSubstr("t.csv, line 3: 1 fields; expected 2"));
  EXPECT_THAT(message_of("a,b\rx,y\r"), HasSubstr("carriage return"));
  EXPECT_THAT(message_of("a,b,a\n"), HasSubstr("two columns are named \"a\""));
}

TEST(IsTableName, LooksAtTheEnding) {
  EXPECT_TRUE(is_table_name("a.csv"));
  EXPECT_TRUE(is_table_name("a.CSV"));
  EXPECT_TRUE(is_table_name("a/b.tsv"));
  EXPECT_FALSE(is_table_name("csv.jsonl"));
  EXPECT_FALSE(is_table_name("v"));
}

}  // namespace
}  // namespace veer
