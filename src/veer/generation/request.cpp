// SPDX-License-Identifier: MIT
#include "veer/generation/request.h"

namespace veer {

std::string_view stop_reason_name(StopReason reason) {
  return reason == StopReason::kStopToken ? "stop" : "length";
}

}  // namespace veer
