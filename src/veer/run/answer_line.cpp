// SPDX-License-Identifier: MIT
#include "veer/run/answer_line.h"

#include <algorithm>

namespace veer {

std::string answer_line(std::string text) {
  const auto line = text.find('\n');
  text.resize(std::min(text.size(), line));
  const auto first = text.find_first_not_of(" \t\r");
  const auto last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

}  // namespace veer
