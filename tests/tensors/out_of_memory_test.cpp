// SPDX-License-Identifier: MIT
#include "veer/tensors/out_of_memory.h"

#include <limits>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensors/failing_allocator.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class F>
bool runs_out(F&& f) {
  try {
    f();
  } catch (const std::exception& error) {
    return is_out_of_memory(error);
  }
  return false;
}

TEST(OutOfMemory, KnowsTheErrorsOfAllocators) {
  EXPECT_TRUE(runs_out([] { at::empty({std::int64_t{1} << 56}, at::kByte); }));
  EXPECT_TRUE(runs_out([] {
    const testing::FailingAllocator failing(0);
    at::empty({4});
  }));
  EXPECT_TRUE(
      runs_out([] { TORCH_CHECK(false, "CUDA error: out of memory"); }));
  EXPECT_FALSE(runs_out([] { TORCH_CHECK(false, "shapes do not match"); }));
  EXPECT_FALSE(runs_out([] { fail("load", "out of memory"); }));
}

class Halving : public ::testing::Test {
 protected:
  // Attempts with more than `room` run out of memory.
  void run(std::int64_t room, std::int64_t smallest) {
    halve_until_it_fits(
        "decode", {10, smallest, "rows"}, monitor(), [&](std::int64_t size) {
          sizes_.push_back(size);
          TORCH_CHECK_WITH(OutOfMemoryError, size <= room, "injected");
        });
  }
  Monitor monitor() {
    Monitor monitor;
    monitor.on_message = [this](std::string_view text) {
      messages_.emplace_back(text);
    };
    return monitor;
  }
  std::vector<std::int64_t> sizes_;
  std::vector<std::string> messages_;
};

TEST_F(Halving, TriesHalfAndSaysSo) {
  run(/*room=*/3, /*smallest=*/1);
  EXPECT_THAT(sizes_, ElementsAre(10, 5, 2));
  EXPECT_THAT(
      messages_,
      ElementsAre("decode: out of memory with 10 rows, going on with 5",
                  "decode: out of memory with 5 rows, going on with 2"));
}

TEST_F(Halving, IsSilentWhenAllFits) {
  run(/*room=*/10, /*smallest=*/1);
  EXPECT_THAT(sizes_, ElementsAre(10));
  EXPECT_TRUE(messages_.empty());
}

TEST_F(Halving, EndsAtTheSmallestSize) {
  try {
    run(/*room=*/0, /*smallest=*/4);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_THAT(error.what(), HasSubstr("no memory for a batch of 4 rows"));
  }
  EXPECT_THAT(sizes_, ElementsAre(10, 5, 4));
}

TEST_F(Halving, PassesOtherErrorsOn) {
  EXPECT_THROW(
      halve_until_it_fits("decode", {10, 1, "rows"}, monitor(),
                          [](std::int64_t) { TORCH_CHECK(false, "shapes"); }),
      c10::Error);
  EXPECT_TRUE(messages_.empty());
}

}  // namespace
}  // namespace veer
