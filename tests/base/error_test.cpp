// SPDX-License-Identifier: MIT
#include "veer/base/error.h"

#include <gtest/gtest.h>

#include "veer/base/progress.h"

namespace veer {
namespace {

TEST(Fail, ComposesTheFourParts) {
  try {
    fail("read vector", "width 64", "width 128", "made for another model");
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "[read vector] width 64; expected width 128. Likely cause: "
                 "made for another model.");
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
  }
}

TEST(Fail, LeavesOutWhatIsEmpty) {
  try {
    fail_run("train", "the loss is NaN at step 3");
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[train] the loss is NaN at step 3.");
    EXPECT_EQ(e.kind(), ErrorKind::kFailed);
  }
}

TEST(Monitor, StopsOnlyOnRequest) {
  std::stop_source source;
  const Monitor monitor{.stop = source.get_token()};
  EXPECT_NO_THROW(monitor.check_stop("sweep"));
  source.request_stop();
  EXPECT_THROW(monitor.check_stop("sweep"), Error);
}

}  // namespace
}  // namespace veer
