// SPDX-License-Identifier: MIT
#include "veer/run/context.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/run/sqlite.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

TEST(StudyContext, KeepsMessagesInTheRunAndPassesThemOn) {
  const fs::path folder = fs::path(testing::TempDir()) / "veer_context";
  fs::remove_all(folder);
  std::vector<std::string> told;
  Monitor caller;
  caller.on_message = [&](std::string_view text) { told.emplace_back(text); };
  {
    const Manifest manifest;
    RunStore store(folder);
    StudyContext context(manifest, store, caller);
    context.begin("sweep");
    context.monitor().message("half of the rows");
  }
  EXPECT_THAT(told, testing::ElementsAre("half of the rows"));
  Database database(folder / "run.sqlite");
  Statement query(database, "SELECT stage, text FROM event");
  ASSERT_TRUE(query.step());
  EXPECT_EQ(query.text(0), "sweep");
  EXPECT_EQ(query.text(1), "half of the rows");
  EXPECT_FALSE(query.step());
}

}  // namespace
}  // namespace veer
