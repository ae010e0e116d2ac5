// SPDX-License-Identifier: MIT
#include "veer/tensors/device.h"

#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(FindDevice, TheCpuIsAlwaysThere) {
  EXPECT_TRUE(find_device("cpu").is_cpu());
  EXPECT_TRUE(computes_in_bfloat16(at::kCPU));
}

TEST(FindDevice, WhatIsNotThereIsOneClearError) {
  for (const char* name : {"cuda:99", "cuda:x", "mps", "tpu"}) {
    try {
      find_device(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(error.what(), testing::HasSubstr(name));
    }
  }
}

TEST(RepeatableAlgorithms, ACpuNeedsNone) {
  want_repeatable_algorithms(at::kCPU, true);
  const RepeatableScope scope;
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms());
}

}  // namespace
}  // namespace veer
