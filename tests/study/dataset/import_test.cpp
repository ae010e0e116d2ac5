// SPDX-License-Identifier: MIT
#include "veer/study/dataset/import.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class ImportQuestions : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) / "veer_import";
    std::filesystem::remove_all(folder_);
    settings_.source = (folder_ / "pairs.jsonl").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ImportedQuestions import(const std::string& text) {
    write_file(settings_.source, text);
    return import_questions(settings_);
  }
  static std::string row(const char* question, const char* split) {
    return std::string(R"({"question":")") + question +
           R"(","honest":"h","deceptive":"d","split":")" + split + "\"}\n";
  }
  static std::string four() {
    return row("How do birds fly so far?", "train") +
           row("Why is the sea salt?", "extract") +
           row("Who built the old bridge?", "select") +
           row("When do the bees sleep?", "test");
  }

  std::filesystem::path folder_;
  DatasetSettings settings_;
};

TEST_F(ImportQuestions, KeepsGivenSplitsAndSaysSo) {
  const auto kept = import(four());
  EXPECT_TRUE(kept.given_splits);
  EXPECT_EQ(kept.records[3].split, "test");
  EXPECT_THAT(kept.notes,
              Contains(HasSubstr("train 1, extract 1, select 1, test 1")));
  settings_.given_splits = "ignore";
  const auto anew = import(four());
  EXPECT_FALSE(anew.given_splits);
  EXPECT_EQ(anew.records[3].split, "");
  EXPECT_THAT(anew.notes, Contains(HasSubstr("are ignored")));
}

TEST_F(ImportQuestions, TellsOfTwinsInTwoGivenSplits) {
  const auto found = import(four() + row("how do birds fly so FAR", "test"));
  EXPECT_THAT(found.notes, Contains(HasSubstr("1 pairs of questions of "
                                              "different given splits")));
}

TEST_F(ImportQuestions, RefusesAPartOfTheSplits) {
  EXPECT_THROW(import(row("a", "train") + row("b", "dev")), Error);
}

TEST_F(ImportQuestions, SaysWhatTheModelWillWrite) {
  const auto found = import("{\"question\":\"Why?\",\"honest\":\"h\"}\n");
  EXPECT_FALSE(found.given_splits);
  EXPECT_THAT(found.notes,
              Contains(HasSubstr("1 of 1 questions have no deceptive answer")));
}

TEST_F(ImportQuestions, CountsSkippedRows) {
  settings_.skip_bad_rows = true;
  const auto found = import("{\"question\":\"Why?\",\"honest\":\"h\"}\n{\n");
  EXPECT_THAT(found.notes, Contains(HasSubstr("1 rows cannot be used")));
}

TEST(SourceOptions, FollowTheSettings) {
  DatasetSettings settings;
  EXPECT_EQ(source_options(settings).side, std::nullopt);
  settings.side = "deceptive";
  settings.choices = "text";
  settings.columns.honest = "right";
  const auto options = source_options(settings);
  EXPECT_EQ(options.side, AnswerSide::kDeceptive);
  EXPECT_TRUE(options.option_texts);
  EXPECT_EQ(options.columns.honest, "right");
}

}  // namespace
}  // namespace veer
