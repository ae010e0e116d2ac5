// SPDX-License-Identifier: MIT
#include <csignal>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/memory.h"
#include "device/support.h"

namespace veer {
namespace {

class FakeDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::is_real_device()) {
      GTEST_SKIP() << "another device is tested";
    }
  }
};

at::Tensor ones(at::IntArrayRef sizes) {
  return at::ones(sizes).to(fake::device());
}

TEST_F(FakeDevice, ComputesWhatTheCpuComputes) {
  const auto x =
      at::arange(6.0F, at::TensorOptions().device(fake::device())).view({2, 3});
  EXPECT_TRUE(at::mm(x, x.t()).cpu().equal(at::mm(x.cpu(), x.cpu().t())));
  const auto half = x.narrow(1, 1, 2);
  half.add_(1.0F);  // through the view
  EXPECT_EQ(x.sum().item<float>(), 19.0F);
}

TEST_F(FakeDevice, RefusesTensorsOfTwoDevices) {
  const auto x = ones({4, 4});
  EXPECT_THROW(at::mm(x, at::ones({4, 4})), c10::Error);
  EXPECT_THROW(x + at::ones({4}), c10::Error);
  EXPECT_NO_THROW(x + at::ones({}));  // a single number may come from the host
}

TEST_F(FakeDevice, TheHostCannotReadItsMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const auto x = ones({4, 4});
        const volatile float read = *x.const_data_ptr<float>();
        (void)read;
      },
      ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(FakeDevice, CountsLaunchesWaitsAndBytes) {
  const auto host = at::ones({16, 16});
  fake::reset_counts();
  const auto x = host.to(fake::device());
  EXPECT_EQ(fake::counts().waits, 1);  // pageable memory
  EXPECT_EQ(fake::counts().bytes_to_device, 1024);
  const auto y = at::mm(x, x.t());  // a view is no launch
  EXPECT_EQ(fake::counts().launches, 1);
  EXPECT_EQ(fake::counts().waits, 1);
  EXPECT_EQ(y.sum().item<float>(), 4096.0F);
  EXPECT_EQ(fake::counts().waits, 2);
  at::nonzero(y);
  EXPECT_EQ(fake::counts().waits, 3);
}

TEST_F(FakeDevice, NobodyWaitsForACopyOfPageLockedMemory) {
  const auto locked = at::ones({16}, at::TensorOptions().pinned_memory(true));
  const auto pageable = at::ones({16});
  fake::reset_counts();
  EXPECT_EQ(locked.to(fake::device(), /*non_blocking=*/true)
                .sum()
                .cpu()
                .item<float>(),
            16.0F);
  EXPECT_EQ(fake::counts().waits, 1);  // that of the sum
  locked.to(fake::device());
  EXPECT_EQ(fake::counts().waits, 2);
  pageable.to(fake::device(), /*non_blocking=*/true);
  EXPECT_EQ(fake::counts().waits, 3);
}

TEST_F(FakeDevice, KnowsItsPeakAndItsEnd) {
  const auto before = fake::memory().used();
  fake::reset_counts();
  ones({1024, 1024});
  EXPECT_EQ(fake::memory().used(), before);
  EXPECT_GE(fake::counts().peak_bytes, 4 << 20);
  fake::memory().set_limit(before + (1 << 20));
  EXPECT_THROW(ones({1024, 1024}), c10::OutOfMemoryError);
  fake::memory().set_limit(fake::Memory::kSize);
  EXPECT_NO_THROW(ones({1024, 1024}));
}

}  // namespace
}  // namespace veer
