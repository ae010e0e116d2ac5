// SPDX-License-Identifier: MIT
#include "veer/run/stage.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

class StageTest : public testing::Test {
 protected:
  StageTest() : folder_(fs::path(testing::TempDir()) / "stage_test") {
    fs::remove_all(folder_);
  }
  Stage stage(std::int64_t rank) {
    return {"finetune",
            R"({"settings": {"alpha": 2, "rank": )" + std::to_string(rank) +
                R"(}, "data": "d1"})",
            [this] { return present_; },
            [this]() -> StageResult {
              ++runs_;
              if (fails_) {
                fail_run("finetune", "the loss is not finite");
              }
              return {"60 steps", ""};
            }};
  }
  fs::path folder_;
  bool present_ = true;
  bool fails_ = false;
  int runs_ = 0;
};

TEST_F(StageTest, RunsOnceAndIsThenReused) {
  RunStore store(folder_);
  const auto first = run_stage(store, stage(1), false, {});
  EXPECT_FALSE(first.reused);
  const auto second = run_stage(store, stage(1), false, {});
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(second.summary, "60 steps");
  EXPECT_EQ(runs_, 1);
}

TEST_F(StageTest, RunsAgainWhenItsFilesAreGone) {
  RunStore store(folder_);
  run_stage(store, stage(1), false, {});
  present_ = false;
  EXPECT_FALSE(run_stage(store, stage(1), false, {}).reused);
  EXPECT_EQ(runs_, 2);
}

// A document that others read as it lies there: what was edited is no result.
TEST_F(StageTest, AnEditedDocumentIsRefusedUnlessRedone) {
  const auto path = folder_ / "metrics.jsonl";
  RunStore store(folder_);
  auto own = stage(1);
  own.documents = {"metrics.jsonl"};
  own.run = [&]() -> StageResult {
    ++runs_;
    std::ofstream(path) << "{\"loss\": 1}\n";
    return {"60 steps", ""};
  };
  run_stage(store, own, false, {});
  EXPECT_TRUE(run_stage(store, own, false, {}).reused);
  std::ofstream(path) << "{\"loss\": 0}\n";
  try {
    run_stage(store, own, false, {});
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("metrics.jsonl is not as"));
    EXPECT_THAT(error.what(), testing::HasSubstr("--redo"));
  }
  EXPECT_FALSE(run_stage(store, own, /*redo=*/true, {}).reused);
  EXPECT_TRUE(run_stage(store, own, false, {}).reused);
  EXPECT_EQ(runs_, 2);
}

TEST_F(StageTest, AFailedOneIsContinued) {
  RunStore store(folder_);
  fails_ = true;
  EXPECT_THROW(run_stage(store, stage(1), false, {}), Error);
  fails_ = false;
  const auto outcome = run_stage(store, stage(1), false, {});
  EXPECT_TRUE(outcome.continued);
  EXPECT_FALSE(outcome.reused);
}

TEST_F(StageTest, OtherSettingsAreRefusedByNameUnlessRedone) {
  RunStore store(folder_);
  run_stage(store, stage(1), false, {});
  try {
    run_stage(store, stage(2), false, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(e.what(), testing::HasSubstr("what differs: settings.rank"));
  }
  EXPECT_EQ(runs_, 1);
  EXPECT_FALSE(run_stage(store, stage(2), true, {}).reused);
  EXPECT_TRUE(run_stage(store, stage(2), false, {}).reused);
}

TEST_F(StageTest, ARefusalNamesKeysThatPeopleKnow) {
  RunStore store(folder_);
  const auto refusal = [&](const std::string& name, const char* before,
                           const char* after) {
    auto own = stage(1);
    own.name = name;
    own.made_from = before;
    run_stage(store, own, false, {});
    own.made_from = after;
    try {
      run_stage(store, own, false, {});
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(
      refusal("finetune", R"({"further": []})", R"({"further": ["seeds/1"]})"),
      testing::HasSubstr(
          "(what differs: finetune.seeds or finetune.controls)"));
  EXPECT_THAT(refusal("judge", R"({"further": []})", R"({"further": [1]})"),
              testing::HasSubstr("(what differs: judge.further)"));
}

TEST_F(StageTest, AFailureThatLeftNothingLocksNoSettings) {
  RunStore store(folder_);
  fails_ = true;
  EXPECT_THROW(run_stage(store, stage(1), false, {}), Error);
  fails_ = false;
  const auto outcome = run_stage(store, stage(2), false, {});
  EXPECT_FALSE(outcome.continued);
  EXPECT_THROW(run_stage(store, stage(1), false, {}), Error);  // now it is made
}

TEST_F(StageTest, AFailureThatLeftWorkKeepsItUnlessRedone) {
  RunStore store(folder_);
  auto first = stage(1);
  first.run = [&]() -> StageResult {
    const std::string texts[] = {"written"};
    store.put_drafts("finetune", "part", texts);
    fail_run("finetune", "the disk is full");
  };
  EXPECT_THROW(run_stage(store, first, false, {}), Error);
  try {
    run_stage(store, stage(2), false, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(
        e.what(),
        testing::AllOf(testing::HasSubstr("half done"),
                       testing::HasSubstr("what differs: settings.rank")));
  }
  EXPECT_EQ(store.drafts("finetune", "part").size(), 1u);
  // Drafts that are named after what they were asked for are of use to any
  // settings, so that nothing is locked and nothing lost.
  auto keeping = stage(2);
  keeping.keeps_drafts = true;
  std::size_t seen = 0;
  keeping.run = [&]() -> StageResult {
    seen = store.drafts("finetune", "part").size();
    return {"made", ""};
  };
  run_stage(store, keeping, false, {});
  EXPECT_EQ(seen, 1u);
  EXPECT_FALSE(store.has_drafts("finetune"));
}

TEST_F(StageTest, FilesOfAHalfDoneStageCountAsWork) {
  RunStore store(folder_);
  EXPECT_FALSE(has_files(folder_ / "adapter"));
  fs::create_directories(folder_ / "adapter/checkpoints");
  EXPECT_FALSE(has_files(folder_ / "adapter"));
  auto first = stage(1);
  fails_ = true;
  first.has_partial = [this] { return has_files(folder_ / "adapter"); };
  EXPECT_THROW(run_stage(store, first, false, {}), Error);
  auto other = stage(2);
  other.has_partial = first.has_partial;
  std::ofstream(folder_ / "adapter/checkpoints/a") << "x";
  EXPECT_THAT([&] { run_stage(store, other, false, {}); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("half done")));
}

}  // namespace
}  // namespace veer
