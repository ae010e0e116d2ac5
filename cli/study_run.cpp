// SPDX-License-Identifier: MIT
#include "cli/study.h"
#include "veer/base/error.h"

namespace veer::cli {

void run_study(const StudyOptions&, Session&) {
  fail("study", "this build has no stages yet", "--print-manifest");
}

}  // namespace veer::cli
