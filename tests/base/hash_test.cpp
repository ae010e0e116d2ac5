// SPDX-License-Identifier: MIT
#include "veer/base/hash.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

TEST(Hash, IsXxh3AndStable) {
  // The published value of XXH3-64 for no bytes and seed 0.
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2U);
  EXPECT_NE(hash64("a"), hash64("b"));
  EXPECT_NE(hash64("a", 1), hash64("a", 2));
}

TEST(Fingerprint, IsThirtyTwoHexadecimalDigits) {
  const std::string print = fingerprint("a");
  EXPECT_EQ(print.size(), 32U);
  EXPECT_EQ(print.find_first_not_of("0123456789abcdef"), std::string::npos);
  // XXH3-128 of no bytes.
  EXPECT_EQ(fingerprint(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Fingerprint, OfAFileIsThatOfItsBytes) {
  const auto path = std::filesystem::path(testing::TempDir()) / "hash_test";
  // Longer than any buffer that streams it.
  const std::string bytes(3'000'001, 'x');
  write_file(path, bytes);
  EXPECT_EQ(fingerprint_file(path.string()), fingerprint(bytes));
  std::filesystem::remove(path);
  EXPECT_THROW(fingerprint_file(path.string()), Error);
}

}  // namespace
}  // namespace veer
