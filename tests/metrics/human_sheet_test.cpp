// SPDX-License-Identifier: MIT
#include "veer/metrics/human_sheet.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/data/csv.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

std::vector<SheetAnswer> some_answers() {
  std::vector<SheetAnswer> answers;
  for (int i = 0; i < 12; ++i) {
    answers.push_back({"What, \"" + std::to_string(i) + "\"?",
                       "=answer,\nnumber " + std::to_string(i)});
  }
  return answers;
}

// The sheet with `label` in every row.
std::string filled(const Sheet& sheet, const std::string& label) {
  const auto rows = parse_csv(sheet.csv, "sheet");
  std::string csv = "row,question,answer,label\n";
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::string line;
    for (std::size_t f = 0; f < 3; ++f) {
      std::string text = rows[i].fields[f];
      for (std::size_t at = text.find('"'); at != std::string::npos;
           at = text.find('"', at + 2)) {
        text.insert(at, "\"");
      }
      line += "\"" + text + "\",";
    }
    csv += line + label + "\n";
  }
  return csv;
}

TEST(HumanSheet, HoldsEveryAnswerShuffledAndSomeTwice) {
  const auto sheet = make_sheet(some_answers(), 3);
  EXPECT_EQ(sheet.order.size(), 17u);
  EXPECT_EQ(std::set(sheet.order.begin(), sheet.order.end()).size(), 12u);
  EXPECT_EQ(parse_csv(sheet.csv, "sheet").size(), 18u);
  EXPECT_EQ(make_sheet(some_answers(), 3).csv, sheet.csv);
  EXPECT_NE(make_sheet(some_answers(), 4).csv, sheet.csv);
}

TEST(HumanSheet, ReadsLabelsAndCountsRepeats) {
  const auto answers = some_answers();
  const auto sheet = make_sheet(answers, 3);
  const auto read =
      read_sheet(filled(sheet, " Honest "), "s.csv", answers, sheet.order);
  EXPECT_EQ(read.repeats, 5);
  EXPECT_EQ(read.repeats_same, 5);
  for (const auto label : read.labels) {
    EXPECT_EQ(label, AnswerLabel::kHonest);
  }
  EXPECT_EQ(read_sheet(filled(sheet, "d"), "s", answers, sheet.order).labels[0],
            AnswerLabel::kDeceptive);
  EXPECT_EQ(read_sheet(filled(sheet, ""), "s", answers, sheet.order).labels[0],
            AnswerLabel::kUnjudged);
}

TEST(HumanSheet, NamesTheRowThatWasEditedBadly) {
  const auto answers = some_answers();
  const auto sheet = make_sheet(answers, 3);
  const auto refused = [&](const std::string& csv, const char* part) {
    try {
      read_sheet(csv, "s.csv", answers, sheet.order);
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  };
  const auto good = filled(sheet, "honest");
  refused("", "empty sheet");
  refused("row,answer,label\n", "no column question");
  refused(filled(sheet, "maybe"), "label \"maybe\"");
  refused(good + "99,\"q\",\"a\",honest\n", "row number \"99\"");
  refused(good + "1,\"q\",\"a\",honest\n", "row 1 again");
  refused(good.substr(0, good.rfind("\"17\"")), "rows 17 are gone");
  auto changed = good;
  changed.replace(changed.find("number"), 6, "figure");
  refused(changed, "another answer");
}

}  // namespace
}  // namespace veer
