// SPDX-License-Identifier: MIT
#include "veer/generation/request.h"

namespace veer {

std::string_view stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kStopToken:
      return "stop";
    case StopReason::kLength:
      return "length";
    case StopReason::kNotFinite:
      break;
  }
  return "not_finite";
}

}  // namespace veer
