// SPDX-License-Identifier: MIT
#include "veer/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "veer/base/error.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("veer_files_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(FilesTest, WritesWhatItReads) {
  const std::string bytes("a\0\xff\n", 4);
  write_file(folder_ / "deep" / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "deep" / "x"), bytes);
}

TEST_F(FilesTest, AnUncommittedFileLeavesTheOldBytesAndNothingElse) {
  write_file(folder_ / "x", "old");
  {
    AtomicFile file(folder_ / "x");
    file.write("new");
  }
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, LinesLoseTheirEndsAndTheByteOrderMark) {
  write_file(folder_ / "x", "\xEF\xBB\xBFone\r\n\ntwo");
  EXPECT_EQ(read_lines(folder_ / "x"),
            (std::vector<std::string>{"one", "", "two"}));
}

TEST_F(FilesTest, RefusesTheMissingTheFolderAndTheOversized) {
  EXPECT_THROW(read_file(folder_ / "no"), Error);
  EXPECT_THROW(read_file(folder_), Error);
  write_file(folder_ / "x", "12345");
  EXPECT_THROW(read_file(folder_ / "x", /*max_bytes=*/4), Error);
}

TEST(Files, AFullDiskIsAnErrorThatSaysSo) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "this system has no /dev/full";
  }
  try {
    append_file("/dev/full", "x");
    FAIL() << "writing to a full device passed";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kFailed);
    EXPECT_THAT(e.what(), HasSubstr("disk is full"));
  }
}

}  // namespace
}  // namespace veer
