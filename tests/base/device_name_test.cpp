// SPDX-License-Identifier: MIT
#include "veer/base/device_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(DeviceName, IsAKindAndMaybeANumber) {
  for (const char* kind : {"auto", "cpu", "cuda", "mps"}) {
    EXPECT_EQ(parse_device_name(kind, "x").kind, kind);
    EXPECT_FALSE(parse_device_name(kind, "x").index);
  }
  EXPECT_EQ(parse_device_name("cuda:9", "x").kind, "cuda");
  EXPECT_EQ(parse_device_name("cuda:9", "x").index, 9);
}

TEST(DeviceName, OthersAreRefusedWithWhereTheyStand) {
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x",
                           "cuda:128", "cuda:99999999999", "cpu:0", "CUDA"}) {
    try {
      parse_device_name(name, "run.device");
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(error.what(), testing::HasSubstr("run.device"));
    }
  }
}

}  // namespace
}  // namespace veer
