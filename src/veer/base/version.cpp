// SPDX-License-Identifier: MIT
#include "veer/base/version.h"

namespace veer {

std::string_view version() {
  return VEER_VERSION;
}

}  // namespace veer
