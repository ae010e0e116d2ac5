// SPDX-License-Identifier: MIT
#include "veer/base/model_folder.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

class ModelFolder : public testing::Test {
 protected:
  void SetUp() override {
    cache_ = fs::path(testing::TempDir()) / "models--org--name";
    fs::remove_all(cache_);
    write_file(cache_ / "snapshots" / "0a1b" / "config.json", "{}");
  }
  fs::path cache_;
};

TEST_F(ModelFolder, LeavesOtherPathsAlone) {
  EXPECT_EQ(resolve_model_folder("no/such/folder"), "no/such/folder");
  const fs::path snapshot = cache_ / "snapshots" / "0a1b";
  EXPECT_EQ(resolve_model_folder(snapshot), snapshot);
  EXPECT_EQ(resolve_model_folder(snapshot / "tokenizer.json"),
            snapshot / "tokenizer.json");
}

TEST_F(ModelFolder, FollowsRefsMain) {
  write_file(cache_ / "snapshots" / "ffff" / "config.json", "{}");
  write_file(cache_ / "refs" / "main", "0a1b\n");
  const fs::path snapshot = cache_ / "snapshots" / "0a1b";
  EXPECT_EQ(resolve_model_folder(cache_), snapshot);
  EXPECT_EQ(resolve_model_folder(cache_ / ""), snapshot);
  EXPECT_EQ(resolve_model_folder(cache_ / "snapshots"), snapshot);
}

TEST_F(ModelFolder, TakesTheOnlySnapshot) {
  EXPECT_EQ(resolve_model_folder(cache_), cache_ / "snapshots" / "0a1b");
}

TEST_F(ModelFolder, RefusesToGuess) {
  write_file(cache_ / "snapshots" / "ffff" / "config.json", "{}");
  EXPECT_THROW(resolve_model_folder(cache_), Error);
  for (const char* reference : {"9999", "../../outside", "", "\n"}) {
    write_file(cache_ / "refs" / "main", reference);
    EXPECT_THROW(resolve_model_folder(cache_), Error) << reference;
  }
}

}  // namespace
}  // namespace veer
