// SPDX-License-Identifier: MIT
#include "veer/run/run_store.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

fs::path fresh(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("store_" + name);
  fs::remove_all(folder);
  return folder;
}

CellRow cell(std::int64_t id, const std::string& configuration) {
  CellRow row;
  row.id = id;
  row.model = "base";
  row.split = "test";
  row.configuration = configuration;
  return row;
}

AnswerRow answer(std::int64_t cell, std::int64_t question) {
  AnswerRow row;
  row.cell = cell;
  row.question = question;
  row.text = "Try warm milk.";
  row.label = "honest";
  return row;
}

TEST(RunStore, KeepsStagesAcrossOpenings) {
  const auto folder = fresh("stages");
  {
    RunStore store(folder);
    EXPECT_FALSE(store.stage("dataset").has_value());
    store.begin_stage("dataset", "f1");
    store.add_seconds("dataset", 1.5);
  }
  RunStore store(folder);
  const auto half = store.stage("dataset");
  ASSERT_TRUE(half.has_value());
  EXPECT_FALSE(half->done);
  store.begin_stage("dataset", "f1");
  store.add_seconds("dataset", 1.0);
  store.finish_stage("dataset", "8 questions", "{}");
  const auto whole = store.stage("dataset");
  ASSERT_TRUE(whole.has_value());
  EXPECT_TRUE(whole->done);
  EXPECT_EQ(whole->seconds, 2.5);
  EXPECT_EQ(whole->summary, "8 questions");
  store.begin_stage("dataset", "f2");  // other settings: time starts anew
  EXPECT_EQ(store.stage("dataset")->seconds, 0.0);
}

TEST(RunStore, RefusesASecondOpening) {
  const auto folder = fresh("lock");
  RunStore store(folder);
  try {
    RunStore second(folder);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kFailed);
    EXPECT_THAT(e.what(), testing::HasSubstr("another process"));
  }
}

TEST(RunStore, AnswersComeBackInOrderAndUndefinedScoresStayUndefined) {
  RunStore store(fresh("answers"));
  const std::vector<CellRow> grid = {cell(0, "{}"), cell(1, "{\"a\":1}")};
  store.put_cells(grid);
  store.put_answers(std::vector<AnswerRow>{answer(1, 1), answer(0, 0)});
  store.put_answers(std::vector<AnswerRow>{answer(1, 0)});
  const auto rows = store.answers();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].cell, 0);
  EXPECT_EQ(rows[1].question, 0);
  EXPECT_EQ(rows[2].question, 1);
  EXPECT_TRUE(std::isnan(rows[0].score));
  EXPECT_EQ(store.count_answers(1, 1), 2);
  EXPECT_EQ(store.count_answers(0, 1), 3);
  store.put_cells(grid);  // the same grid: answers stay
  EXPECT_EQ(store.answers().size(), 3u);
  EXPECT_THROW(store.put_cells(std::vector<CellRow>{cell(0, "{\"b\":1}")}),
               Error);
  store.put_cells(std::vector<CellRow>{cell(2, "{}")});  // a later one
  EXPECT_EQ(store.cells().size(), 3u);
  store.forget_sweep();
  EXPECT_TRUE(store.cells().empty());
}

TEST(RunStore, DraftsGrowInOrderUntilForgotten) {
  RunStore store(fresh("drafts"));
  store.put_drafts("dataset", "questions", std::vector<std::string>{"a", ""});
  store.put_drafts("dataset", "questions", std::vector<std::string>{"c"});
  store.put_drafts("dataset", "honest", std::vector<std::string>{"h"});
  EXPECT_THAT(store.drafts("dataset", "questions"),
              testing::ElementsAre("a", "", "c"));
  store.forget_drafts("dataset");
  EXPECT_TRUE(store.drafts("dataset", "questions").empty());
}

TEST(RunStore, AnAnswerOfNoCellIsRefusedAndTheBatchUndone) {
  RunStore store(fresh("undone"));
  store.put_cells(std::vector<CellRow>{cell(0, "{}")});
  EXPECT_THROW(
      store.put_answers(std::vector<AnswerRow>{answer(0, 0), answer(7, 0)}),
      Error);
  EXPECT_TRUE(store.answers().empty());
}

TEST(RunStore, SaysWhenTheFileIsNoDatabase) {
  const auto folder = fresh("damaged");
  write_file(folder / "run.sqlite", std::string(8192, 'x'));
  try {
    RunStore store(folder);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(e.what(), testing::HasSubstr("run.sqlite"));
  }
}

}  // namespace
}  // namespace veer
