// SPDX-License-Identifier: MIT
#include "veer/base/mapped_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

fs::path file_with(const std::string& bytes) {
  const fs::path path = fs::path(testing::TempDir()) / "mapped_file_test";
  write_file(path, bytes);
  return path;
}

TEST(MappedFile, HoldsTheBytes) {
  const auto path = file_with("abc");
  const auto file = MappedFile::open(path);
  EXPECT_EQ(file->bytes(), "abc");
  EXPECT_EQ(file->size(), 3U);
}

TEST(MappedFile, AStrayWriteDoesNotReachTheFile) {
  const auto path = file_with("abc");
  const auto file = MappedFile::open(path);
  static_cast<char*>(file->data())[0] = 'X';
  EXPECT_EQ(file->bytes(), "Xbc");
  EXPECT_EQ(read_file(path), "abc");
}

TEST(MappedFile, AnEmptyFileIsEmpty) {
  EXPECT_EQ(MappedFile::open(file_with(""))->size(), 0U);
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  EXPECT_THROW(MappedFile::open("/nowhere/at/all"), Error);
  EXPECT_THROW(MappedFile::open(testing::TempDir()), Error);
}

}  // namespace
}  // namespace veer
