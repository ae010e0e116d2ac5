// SPDX-License-Identifier: MIT
//
// Weights reach a card with the same numbers, through little memory of the
// host, and without it too.
#include "veer/tensors/upload.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "device/fake/allocator.h"
#include "device/fake/counts.h"
#include "device/support.h"

namespace veer::testing {
namespace {

// Three pieces and a bit of either dtype.
at::Tensor numbers() {
  return at::arange(3 * (kUploadPieceBytes / 2) + 77, at::kFloat)
      .remainder(251.0)
      .sub(125.0);
}

class Upload : public ::testing::Test {
 protected:
  Upload() { at::set_num_threads(1); }

  const at::Device device_ = tested_device();
};

TEST_F(Upload, GivesTheSameNumbers) {
  for (const auto dtype : {at::kFloat, at::kHalf, at::kBFloat16}) {
    const auto from = numbers();
    const auto there = uploaded(from, device_, dtype);
    EXPECT_EQ(there.device(), device_);
    EXPECT_TRUE(at::equal(there.cpu(), from.to(dtype))) << dtype;
  }
  const auto grid = numbers().narrow(0, 0, 600).view({20, 30});
  const auto place = at::empty({24, 30}, grid.options().device(device_));
  upload_into(place.narrow(0, 3, 20), grid);
  EXPECT_TRUE(at::equal(place.narrow(0, 3, 20).cpu(), grid));
  // No pieces of these, the same numbers all the same.
  const auto turned = uploaded(grid.t(), device_, at::kFloat);
  EXPECT_TRUE(at::equal(turned.cpu(), grid.t()));
  EXPECT_EQ(uploaded(at::empty({0, 4}), device_, at::kHalf).numel(), 0);
  EXPECT_TRUE(uploaded(grid, at::kCPU, at::kFloat).is_same(grid));
  EXPECT_THROW(upload_into(place, grid), c10::Error);  // other sizes
}

TEST_F(Upload, TakesTwoSmallBuffers) {
  if (is_real_device()) {
    GTEST_SKIP() << "only the fake device counts";
  }
  const auto from = numbers();
  fake::take_page_locked_peak();
  fake::reset_counts();
  uploaded(from, device_, at::kHalf);
  EXPECT_LE(fake::take_page_locked_peak(), 2 * kUploadPieceBytes);
  EXPECT_EQ(fake::counts().waits, 0);
  EXPECT_EQ(fake::counts().bytes_to_device, 2 * from.numel());
}

TEST_F(Upload, IsAPlainCopyWithoutPageLockedMemory) {
  if (is_real_device()) {
    GTEST_SKIP() << "only the fake device counts";
  }
  const auto from = numbers();
  fake::refuse_page_locked(true);
  fake::reset_counts();
  const auto there = uploaded(from, device_, at::kHalf);
  fake::refuse_page_locked(false);
  EXPECT_EQ(fake::counts().waits, 1);
  EXPECT_TRUE(at::equal(there.cpu(), from.to(at::kHalf)));
}

}  // namespace
}  // namespace veer::testing
