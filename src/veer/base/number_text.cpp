// SPDX-License-Identifier: MIT
#include "veer/base/number_text.h"

#include <fmt/core.h>

namespace veer {
namespace {

// The sign of a number that has one at its beginning, if only zeros follow.
bool has_idle_sign(const std::string& text) {
  return text.find_first_not_of("-+0.") == std::string::npos;
}

}  // namespace

std::string rounded(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.starts_with('-') && has_idle_sign(text) ? text.substr(1) : text;
}

std::string signed_rounded(double value, int decimals) {
  std::string text = fmt::format("{:+.{}f}", value, decimals);
  if (has_idle_sign(text)) {
    text.front() = '+';
  }
  return text;
}

std::string p_text(double p) {
  return p < 0.0005 ? "<0.001" : rounded(p, 3);
}

}  // namespace veer
