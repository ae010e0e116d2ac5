// SPDX-License-Identifier: MIT
#include "veer/base/progress.h"

#include <stop_token>
#include <string>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(Monitor, WithoutCallbacksSaysNothing) {
  const Monitor monitor;
  monitor.progress({.task = "work", .done = 1, .total = 2});
  monitor.message("text");
  EXPECT_NO_THROW(monitor.check_stop("work"));
}

TEST(Monitor, PassesOnWhatItIsTold) {
  std::string seen;
  Monitor monitor;
  monitor.on_progress = [&](const ProgressUpdate& update) {
    seen += std::string(update.task) + std::to_string(update.done);
  };
  monitor.on_message = [&](std::string_view text) { seen += text; };
  monitor.progress({.task = "work", .done = 3});
  monitor.message("!");
  EXPECT_EQ(seen, "work3!");
}

TEST(Monitor, AStopRequestEndsTheJobByName) {
  std::stop_source source;
  Monitor monitor;
  monitor.stop = source.get_token();
  EXPECT_NO_THROW(monitor.check_stop("extract"));
  source.request_stop();
  try {
    monitor.check_stop("extract");
    FAIL() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    EXPECT_NE(std::string(error.what()).find("extract"), std::string::npos);
  }
}

}  // namespace
}  // namespace veer
