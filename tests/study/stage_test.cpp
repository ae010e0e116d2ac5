// SPDX-License-Identifier: MIT
#include "veer/study/stage.h"

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
    EXPECT_THAT(e.what(), testing::HasSubstr("settings.rank differs"));
  }
  EXPECT_EQ(runs_, 1);
  EXPECT_FALSE(run_stage(store, stage(2), true, {}).reused);
  EXPECT_TRUE(run_stage(store, stage(2), false, {}).reused);
}

}  // namespace
}  // namespace veer
