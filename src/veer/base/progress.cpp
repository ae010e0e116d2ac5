// SPDX-License-Identifier: MIT
#include "veer/base/progress.h"

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

void Monitor::check_stop(std::string_view task) const {
  if (stop.stop_requested()) {
    throw Error(ErrorKind::kInterrupted,
                fmt::format("[{}] interrupted; finished work is kept, the "
                            "same command continues it.",
                            task));
  }
}

}  // namespace veer
